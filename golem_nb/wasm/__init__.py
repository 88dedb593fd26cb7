"""Components and their instances: compile, introspect, link to the table of host functions, call.

The only folder that imports wasmtime; raw pointers live in `abi/` alone. It never knows oplogs or workers: an instance
is given a `Host`, which answers its imports. Start reading at `instance`.
"""
