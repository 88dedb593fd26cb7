"""Durable execution: workers that run, record, crash and recover by replay.

Knows wasm, host functions, oplogs and the store; never HTTP and never a notebook. Start reading at `worker`, then
`durability`, the one door between host functions and the oplog.
"""
