"""The form of the lock file that a running engine keeps in its data folder. Source: ARCHITECTURE, decision 3."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from golem_nb.errors import BadInput

LOCK_NAME = "engine.json"
LOG_NAME = "engine.log"


@dataclass(frozen=True, slots=True)
class EngineLock:
    """Where a running engine is reached. `port` 0 and `token` "" mean that it does not listen (it is in process)."""

    pid: int
    port: int
    token: str = field(repr=False)
    version: str
    options: tuple[str, ...] = ()
    """The options about what components may use that it was started with; none = the defaults."""


def text_from_lock(lock: EngineLock) -> str:
    return json.dumps(asdict(lock)) + "\n"


def lock_from_text(text: str) -> EngineLock:
    """Return what `text_from_lock` wrote.

    Raises:
        BadInput: The text is not such a file (half written, or of something else).
            It is not quoted: it may hold a token.
    """
    try:
        found = json.loads(text)
        pid, port, token, version = (found[key] for key in ("pid", "port", "token", "version"))
        options = tuple(found.get("options", ()))  # files of earlier versions have none
    except (ValueError, KeyError, TypeError):
        raise BadInput("this is not an engine's lock file") from None
    # bool is an int for isinstance, and no file of ours holds one.
    texts = (token, version, *options)
    if not all(type(number) is int for number in (pid, port)) or not all(isinstance(text, str) for text in texts):
        raise BadInput("this is not an engine's lock file")
    return EngineLock(pid, port, token, version, options)
