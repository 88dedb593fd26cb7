"""What components import, in plain Python: one file for each WIT package, one class for each interface or resource.

Host functions answer; whether an answer is recorded is their mark's affair, and recording is the engine's. They never
touch wasmtime, the store or the engine. Importing this package fills the tables of `declare`. Start reading there.
"""

from golem_nb.host import (
    blobstore,
    cli,
    clocks,
    config,
    filesystem,
    golem_context,
    golem_durability,
    golem_host,
    golem_oplog,
    golem_rpc,
    golem_workers,
    http,
    http_incoming,
    http_request,
    io,
    javascript,
    javascript_fetch,
    keyvalue,
    logging,
    python_calls,
    random,
    socket_tcp,
    socket_udp,
    sockets,
)

__all__ = [
    "blobstore",
    "cli",
    "clocks",
    "config",
    "filesystem",
    "golem_context",
    "golem_durability",
    "golem_host",
    "golem_oplog",
    "golem_rpc",
    "golem_workers",
    "http",
    "http_incoming",
    "http_request",
    "io",
    "keyvalue",
    "logging",
    "javascript",
    "javascript_fetch",
    "python_calls",
    "random",
    "socket_tcp",
    "socket_udp",
    "sockets",
]
