"""The target of a request: its path and query, as they came over the wire, checked and decoded strictly.

Servers usually decode leniently: what is no UTF-8 becomes another name, and an encoded slash a path of its own.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from starlette.types import Scope

from golem_nb.errors import BadInput

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def with_segments(scope: Scope) -> Scope:
    """Return the scope with a path for routes, in which each segment is encoded in one way.

    Parameters are taken from it by `decoded`, so that a slash inside of one, encoded, separates nothing.

    Raises:
        BadInput: The path or the query has a bad escape, or is not UTF-8.
    """
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    _text_from_escapes(scope.get("query_string", b""), "the query")
    segments = [quote(_text_from_escapes(segment, "the path"), safe="") for segment in raw.split(b"/")]
    return {**scope, "path": "/".join(segments), "root_path": ""}


def decoded(parameters: dict[str, Any]) -> dict[str, str]:
    """Return the parameters that a route found in such a path."""
    return {name: unquote_to_bytes(value).decode() for name, value in parameters.items()}


def _text_from_escapes(raw: bytes, what: str) -> str:
    bad = _BAD_ESCAPE.search(raw)
    if bad is not None:
        found = raw[bad.start() : bad.start() + 3].decode("latin-1")
        raise BadInput(f"{what} has a bad percent-escape, {found!r}; a percent sign itself is %25")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{what} is not UTF-8: {error.reason}, found {raw[:80].decode('latin-1')!r}") from None
