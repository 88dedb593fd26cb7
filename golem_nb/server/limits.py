"""How much the server takes at once, and how long it waits for slow clients."""

from __future__ import annotations

import resource
from dataclasses import dataclass, fields, replace

from golem_nb.errors import BadInput

FILES_OF_THE_ENGINE = 256  # the database, its readers, compiled code, files and sockets of components


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are in bytes, times in seconds."""

    json_bytes: int = 8 << 20
    """Of a JSON body."""
    upload_bytes: int = 256 << 20
    """Of an uploaded component with its files, or of an imported worker."""
    requests: int = 4096
    """In flight. An awaited invocation holds one as long as it runs, so many are usual."""
    sockets: int = 4096
    """Open WebSockets."""
    connections: int = 16384
    """Open connections of all kinds."""
    head_s: float = 15.0
    """From a request's first byte, or the connection's beginning, to the end of its head."""
    silence_s: float = 30.0
    """Inside a request's body, or while an answer is not taken."""
    keep_alive_s: float = 75.0
    """Between the requests of a connection."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            BadInput: The text names the option.
        """
        for field in fields(self):
            option = OPTIONS[field.name]
            value, most = (number / option.unit for number in (getattr(self, field.name), option.most))
            if not 0 < value <= most:  # what is not a number is not, either
                raise BadInput(f"{option.name} must be above 0 and at most {most:g}{option.word}, found {value:g}")
        if self.upload_bytes < self.json_bytes:
            raise BadInput("--max-upload must not be below --max-body")


@dataclass(frozen=True, slots=True)
class Option:
    """How a limit is given on the command line: in units of so many bytes or seconds."""

    name: str
    most: float
    unit: int = 1
    word: str = ""


_MIB, _MANY = 1 << 20, 1 << 20
OPTIONS = {
    "json_bytes": Option("--max-body", 1 << 30, _MIB, " MiB"),  # it is decoded in memory
    "upload_bytes": Option("--max-upload", 4 << 30, _MIB, " MiB"),  # what WebAssembly can address
    "requests": Option("--max-requests", _MANY),
    "sockets": Option("--max-sockets", _MANY),
    "connections": Option("--max-connections", _MANY),
    "head_s": Option("--head-timeout", 3600, word=" seconds"),
    "silence_s": Option("--silence-timeout", 3600, word=" seconds"),
    "keep_alive_s": Option("--keep-alive", 86400, word=" seconds"),
}


def raise_open_files() -> int:
    """Let the process open as many files as its hard limit allows; return how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, 1 << 20, 1 << 16, 10240):  # macOS says "unlimited" and refuses it
        if wanted != resource.RLIM_INFINITY and (soft == resource.RLIM_INFINITY or wanted <= soft):
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue  # the next one is smaller
        soft = wanted
        break
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def fitting(limits: Limits, open_files: int) -> Limits:
    """Return the limits with no more connections than the process can have open files, besides the engine's own.

    Raises:
        BadInput: There is room for none.
    """
    room = open_files - FILES_OF_THE_ENGINE
    if room < 1:
        raise BadInput(f"the process may open {open_files} files, which is too few; raise `ulimit -n` to 1024 or more")
    return limits if limits.connections <= room else replace(limits, connections=room)
