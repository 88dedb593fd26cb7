"""`--json`: what the server answered, as it was sent.

A magic may ask for several things; shown is the answer that it is about. Pages come as one list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from golem_nb.client.client import Client
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import NotSupported, UsageError
from golem_nb.notebook.large import beginning
from golem_nb.notebook.views import MONO

# The operation that a magic is about, the first of them that was asked; for others it is the last one asked.
ABOUT = {
    "golem_deploy": ("updateComponent", "createComponent", "getComponentByName"),
    "golem_components": ("listEnvironmentComponents", "getComponentByName", "getComponent"),
    "golem_workers": ("findWorkers", "getWorkersMetadata"),
    "golem_worker": ("getWorkerFiles", "getWorkerMetadata"),
    "golem_invoke": ("invokeAndAwaitFunction", "invokeFunction", "shadowWorker"),
    "golem_oplog": ("streamOplog", "getOplog"),
    "golem_replay": ("shadowWorker",),
}
# What comes as lines or pages, which are a list also where there is one.
_LISTS = frozenset({"streamOplog"})
# Magics whose result is no answer of a server.
WITHOUT = frozenset({"golem", "golem_connect", "golem_debug"})

Answer = tuple[str, Any]


class _Shown:
    def __repr__(self) -> str:
        return beginning(json.dumps(self, indent=2, ensure_ascii=False))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        text = repr(self)
        html = f'<pre style="{MONO};max-height:30em;overflow:auto">{escape(text)}</pre>'
        return {"text/plain": text, "text/html": html}


class JsonObject(_Shown, dict[str, Any]):
    """A dict that is shown as JSON."""


class JsonList(_Shown, list[Any]):
    """A list that is shown as JSON."""


def check_answers(magic: str, words: Sequence[str], is_of_file: bool) -> None:
    """See that what a line does is told by an answer of the server; nothing is asked for this.

    Raises:
        UsageError: It is not.
    """
    if magic in WITHOUT:
        raise UsageError(f"--json is not for %{magic}, which shows no answer of a server")
    if (magic == "golem_crash" and len(words) > 1) or is_of_file:
        raise UsageError("--json is not for this: what it shows is no answer of a server")


def answer_of(magic: str, client: Client, work: Callable[[], Any]) -> Any:
    """Do what a magic does, and return the JSON that the server answered; None where it answered none."""
    if not isinstance(client, RemoteClient):
        raise NotSupported("--json is for servers: an engine in this process sends no JSON")
    with client.heard() as answers:
        work()
    return shown(magic, answers)


def shown(magic: str, answers: Sequence[Answer]) -> Any:
    asked = [id for id, _ in answers]
    if not asked:
        return None
    id = next((id for id in ABOUT.get(magic, ()) if id in asked), asked[-1])
    found = [body for other, body in answers if other == id]
    # Of what is asked before and behind, such as a worker's state, the last answer is the magic's.
    is_list = id in _LISTS or (len(found) > 1 and magic in ("golem_workers", "golem_oplog"))
    body = found if is_list else found[-1]
    match body:
        case dict():
            return JsonObject(body)
        case list():
            return JsonList(body)
    return body
