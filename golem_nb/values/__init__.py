"""WIT types and values: check them, and turn them into JSON, plain Python, WAVE text and bytes. No wasm needed.

Never does input or output, never knows a worker. Start reading at `types`.
"""
