"""Looks at a worker's files from outside: they have their turn between two invocations. Source: SEMANTICS 2.1.

A read waits for the invocations that were accepted before it, and is not in the oplog: it is gone with the process.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from golem_nb.errors import BadInput, FileNotFound, GolemError, StoreFailed
from golem_nb.host.declare import WitError
from golem_nb.host.filetree import FileTree, Kind, Node
from golem_nb.model import FileNode, IdempotencyKey, clean_path

Read = Callable[[FileTree], Any]


LATEST_S = 253_402_300_799  # the end of the year 9999; a component may set any time


@dataclass(frozen=True, slots=True)
class Waiting:
    """A read and who waits for it."""

    after: IdempotencyKey | None
    """The last invocation that was in the queue before it."""
    read: Read
    answer: Future[Any]


class Reads:
    """Not locked: they belong to their worker's lock."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, pending: dict[IdempotencyKey, Any], read: Read) -> Future[Any]:
        """Have a read wait behind the invocations that are pending; the future has what it gives or raises."""
        waiting = Waiting(next(reversed(pending), None), read, Future())
        self._waiting.append(waiting)
        return waiting.answer

    def take_due(self, pending: Container[IdempotencyKey]) -> list[Waiting]:
        """Take out the reads that nothing is pending before."""
        due = [waiting for waiting in self._waiting if waiting.after not in pending]
        if due:
            self._waiting = [waiting for waiting in self._waiting if waiting.after in pending]
        return due

    def fail_all(self, error: GolemError, stored: Future[None]) -> None:
        everyone, self._waiting = self._waiting, []
        for waiting in everyone:
            stored.add_done_callback(partial(_tell, waiting.answer, None, error))


def answer_reads(due: Sequence[Waiting], tree: FileTree, commit: Callable[[], Future[None]]) -> None:
    """Answer reads. What they saw is told when it is stored: nobody must learn of what a crash could yet undo."""
    for waiting in due:
        failure: Exception | None = None
        found: Any = None
        try:
            found = waiting.read(tree)
        except Exception as error:  # its own: the worker has nothing to do with it
            failure = error
        commit().add_done_callback(partial(_tell, waiting.answer, found, failure))


def _tell(answer: Future[Any], found: Any, failure: Exception | None, stored: Future[None]) -> None:
    if not answer.set_running_or_notify_cancel():
        return  # whoever asked has left
    broken = stored.exception()
    if broken is not None:
        failure = StoreFailed(f"the oplog could not be stored: {broken}; try again")
    if failure is None:
        answer.set_result(found)
    else:
        answer.set_exception(failure)


def nodes_at(path: str, tree: FileTree) -> list[FileNode]:
    """Return what is in a directory, by name; of a file, that file alone.

    Raises:
        FileNotFound, BadInput
    """
    node = _existing(path, tree)
    if node.kind is Kind.DIRECTORY:
        return [_shown(name, entry) for name, entry in sorted(node.entries.items())]
    return [_shown(path.rsplit("/", 1)[-1], node)]


def content_at(path: str, tree: FileTree) -> bytes:
    """Return what is in a file.

    Raises:
        FileNotFound, BadInput
    """
    node = _existing(path, tree)
    if node.kind is not Kind.REGULAR_FILE:
        raise BadInput(f"{path} is a directory; its files can be listed")
    return bytes(node.data)


def _existing(path: str, tree: FileTree) -> Node:
    below = clean_path(path).strip("/")
    if not below:
        return tree.root
    try:
        return tree.existing(tree.root, below, follow=True)
    except WitError as error:
        if error.payload in ("no-entry", "not-directory"):
            raise FileNotFound(f"File not found: {path}") from None
        raise BadInput(f"{path} cannot be looked at: {error.payload}") from None


def _shown(name: str, node: Node) -> FileNode:
    is_directory = node.kind is Kind.DIRECTORY
    modified_at = datetime.fromtimestamp(min(node.modified_ns // 10**9, LATEST_S), UTC)
    return FileNode(name, modified_at, is_directory, node.is_read_only, 0 if is_directory else node.size)
