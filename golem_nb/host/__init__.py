"""What components import, in plain Python: one file for each WIT package, one class for each interface or resource.

Host functions answer; whether an answer is recorded is their mark's affair, and recording is the engine's. They never
touch wasmtime, the store or the engine. Importing this package fills the tables of `declare`. Start reading there.
"""

from golem_nb.host import (
    cli,
    clocks,
    filesystem,
    golem_durability,
    golem_host,
    http,
    http_incoming,
    http_request,
    io,
    random,
    socket_tcp,
    socket_udp,
    sockets,
)

__all__ = [
    "cli",
    "clocks",
    "filesystem",
    "golem_durability",
    "golem_host",
    "http",
    "http_incoming",
    "http_request",
    "io",
    "random",
    "socket_tcp",
    "socket_udp",
    "sockets",
]
