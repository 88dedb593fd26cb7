"""The connection, and the one writer thread that commits in groups.

How this works: whoever wants to write hands a function to `write` and gets a future. The writer thread takes all that
are waiting, runs them in one transaction, commits, and only then resolves their futures: a resolved future is a promise
that the data is on disk. A function that raises is undone alone (a savepoint) and its future gets the error. Readers
have a connection for each thread and see the last commit.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from golem_nb.errors import DataFolderUnsuitable, EngineStopped, StoreFailed
from golem_nb.store.migrations import migrate

T = TypeVar("T")
Connection = sqlite3.Connection
Work = Callable[[Connection], Any]

# FULL survives a power cut, NORMAL the end of the process, OFF neither: for engines that live in memory.
SYNCHRONOUS = {"power": "FULL", "process": "NORMAL", "none": "OFF"}

# A group has no fixed size: what arrived while the last one was committed. This bounds a transaction's length.
MOST_IN_A_GROUP = 1000

log = logging.getLogger("golem_nb.store")


class Database:
    def __init__(self, path: Path, durability: str) -> None:
        self._path, self._synchronous = path, SYNCHRONOUS[durability]
        self._queue: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        connection = self._open()
        migrate(connection, path)
        # Opened here and not there: a thread that cannot open it would leave everybody waiting.
        self._writer = threading.Thread(target=self._write_groups, args=(connection,), name="store-writer", daemon=True)
        self._writer.start()

    def write(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Run `work` in the next group's transaction; the future resolves after its commit.

        Functions run in the order in which they were handed over.

        Raises:
            EngineStopped: The database is closed.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise EngineStopped("the engine is closing")
            self._queue.put((work, future))
        return future

    def reader(self) -> sqlite3.Connection:
        """Return this thread's own connection for reading; it is closed when the thread ends."""
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            connection = self._open()
            connection.execute("PRAGMA query_only = 1")
            self._local.reader = reader = _Reader(connection)
            with self._lock:
                self._readers.add(reader)
        return reader.connection

    def close(self) -> None:
        """Commit what was handed over, then close all connections."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        for reader in list(self._readers):
            reader.connection.close()

    def _open(self) -> sqlite3.Connection:
        # Connections are closed by whoever closes the database: not always the thread that opened them.
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            raise DataFolderUnsuitable(f"{self._path} cannot be used as a database: {error}") from None
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = 1")
        return connection

    def _write_groups(self, connection: Connection) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                break
            group, ends = self._group(first)
            self._commit(connection, group)
            if ends:
                break
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def _group(self, first: tuple[Work, Future[Any]]) -> tuple[list[tuple[Work, Future[Any]]], bool]:
        group = [first]
        while len(group) < MOST_IN_A_GROUP:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, False
            if item is None:
                return group, True
            group.append(item)
        return group, False

    def _commit(self, connection: sqlite3.Connection, group: list[tuple[Work, Future[Any]]]) -> None:
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = [(future, *_alone(connection, work)) for work, future in group]
            connection.execute("COMMIT")
        except sqlite3.Error as error:  # the disk is full, or worse: none of the group is stored, and all are told
            _roll_back(connection)
            told = StoreFailed(f"the data folder did not take it: {error}; make room, and try again")
            results = [(future, None, told) for _, future in group]
        for future, value, failure in results:
            if not future.set_running_or_notify_cancel():
                continue  # whoever waited has left; the data is stored all the same
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)


class _Reader:
    """A connection that is closed with the thread that it belongs to, whose local values are dropped then."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def _alone(connection: sqlite3.Connection, work: Work) -> tuple[Any, BaseException | None]:
    """Run one function of a group so that its failure undoes only itself."""
    connection.execute("SAVEPOINT work")
    try:
        value = work(connection)
    except BaseException as error:  # handed to whoever waits on the future; the writer serves the others
        connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")
        if isinstance(error, sqlite3.Error):
            error = StoreFailed(f"the data folder did not take it: {error}")
        return None, error
    connection.execute("RELEASE work")
    return value, None


def _roll_back(connection: Connection) -> None:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:  # the next group cannot begin then: it is told, and this is tried again
        log.error("a failed group of writes could not be rolled back: %s", error)


_NETWORK_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "fuse.sshfs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
}


def check_folder(folder: Path, mounts: str | None = None) -> None:
    """Make the folder, private to the user, and check that a write-ahead log is safe in it.

    `mounts` has the form of Linux's /proc/self/mounts; None reads that file where it exists.

    Raises:
        DataFolderUnsuitable: It lies on a network file system, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DataFolderUnsuitable(f"the data folder {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataFolderUnsuitable(f"the data folder {folder} cannot be written; choose another with --data-dir")
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(errors="replace")
        except OSError:
            return  # not Linux: nothing to learn here
    kind = _file_system_of(folder.resolve(), mounts)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise DataFolderUnsuitable(
            f"the data folder {folder} lies on a network file system ({kind}), where SQLite's write-ahead log is not "
            "safe; choose a local one with --data-dir"
        )


def _file_system_of(folder: Path, mounts: str) -> str:
    best, kind = Path("/"), ""
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        point = Path(words[1].replace("\\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, words[2]
    return kind
