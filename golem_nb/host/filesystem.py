"""wasi:filesystem 0.2 over a tree in memory. Source of what is recorded: SEMANTICS 3.4.

Everything runs again in replay, but the times that `stat` gives: they are recorded, and written back to the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from golem_nb.host.clocks import DATETIME, datetime_value
from golem_nb.host.context import HostContext
from golem_nb.host.declare import Interface, Resource, Value, WitError, deterministic, read_local
from golem_nb.host.filetree import Kind, Node
from golem_nb.host.io import CLOSED, MOST_READ, InputStream, IoError, OutputStream
from golem_nb.values.types import STRING, record

TIMES = record(data_access_timestamp=DATETIME, data_modification_timestamp=DATETIME)
# A file's bytes are in the engine's memory: a seek to the end of the world must not fill it.
MOST_FILE_BYTES = 1 << 30


class Descriptor(Resource, wit="wasi:filesystem/types#descriptor"):
    """An open file or directory. `path` is how it was come by, for the oplog's reader."""

    def __init__(self, worker: HostContext, node: Node, flags: frozenset[str], path: str) -> None:
        self.worker, self.node, self.flags, self.path = worker, node, flags, path
        self.tree = worker.files

    # Recorded.

    @read_local(
        label="filesystem::types::descriptor::stat",
        request_type=STRING,
        request=lambda self: self.path,
        response=TIMES,
    )
    def stat(self) -> Value:
        return _times(self.node)

    @stat.rebuilt
    def _stat(self, times: Value) -> Value:
        return _stat_value(self.node, times)

    @read_local(
        label="filesystem::types::descriptor::stat_at",
        request_type=STRING,
        request=lambda self, path_flags, path: _joined(self.path, path),
        response=TIMES,
    )
    def stat_at(self, path_flags: frozenset[str], path: str) -> Value:
        return _times(self._at(path_flags, path))

    @stat_at.rebuilt
    def _stat_at(self, times: Value, path_flags: frozenset[str], path: str) -> Value:
        return _stat_value(self._at(path_flags, path), times)

    @read_local(
        label="filesystem::types::descriptor::stat",
        request_type=STRING,
        request=lambda self: self.path,
        response=TIMES,
    )
    def metadata_hash(self) -> Value:
        return _times(self.node)

    @metadata_hash.rebuilt
    def _metadata_hash(self, times: Value) -> Value:
        return _hash_value(self.node)

    @read_local(
        label="filesystem::types::descriptor::stat_at",
        request_type=STRING,
        request=lambda self, path_flags, path: _joined(self.path, path),
        response=TIMES,
    )
    def metadata_hash_at(self, path_flags: frozenset[str], path: str) -> Value:
        return _times(self._at(path_flags, path))

    @metadata_hash_at.rebuilt
    def _metadata_hash_at(self, times: Value, path_flags: frozenset[str], path: str) -> Value:
        return _hash_value(self._at(path_flags, path))

    # Run again in replay: the file's own content.

    @deterministic
    def read_via_stream(self, offset: int) -> InputStream:
        return FileInput(self.worker, self._file("read"), offset)

    @deterministic
    def write_via_stream(self, offset: int) -> OutputStream:
        return FileOutput(self.worker, self._file("write"), offset)

    @deterministic
    def append_via_stream(self) -> OutputStream:
        return FileOutput(self.worker, self._file("write"), None)

    @deterministic
    def read(self, length: int, offset: int) -> tuple[bytes, bool]:
        node = self._file("read")
        data = bytes(node.data[offset : offset + min(length, MOST_READ)])
        return data, not data and length > 0

    @deterministic
    def write(self, buffer: bytes, offset: int) -> int:
        put(self._file("write"), offset, buffer, self.worker.moment_ns())
        return _size(buffer)

    @deterministic
    def set_size(self, size: int) -> None:
        node = self._file("write")
        _check_size(size)
        data = node.own_data()
        if size < len(data):
            del data[size:]
        else:
            data.extend(bytes(size - len(data)))
        node.modified_ns = self.worker.moment_ns()

    @deterministic
    def advise(self, offset: int, length: int, advice: str) -> None:
        self._file(None)

    @deterministic
    def sync(self) -> None:
        """Nothing: what a worker wrote survives by replay."""

    @deterministic
    def sync_data(self) -> None:
        """As `sync`."""

    @deterministic
    def get_flags(self) -> frozenset[str]:
        return self.flags

    @deterministic
    def get_type(self) -> str:
        return self.node.kind.value

    @deterministic
    def set_times(self, data_access_timestamp: Value, data_modification_timestamp: Value) -> None:
        self._set_times(self.node, data_access_timestamp, data_modification_timestamp)

    @deterministic
    def is_same_object(self, other: Descriptor) -> bool:
        return self.node is other.node

    # Run again in replay: names.

    @deterministic
    def open_at(
        self, path_flags: frozenset[str], path: str, open_flags: frozenset[str], flags: frozenset[str]
    ) -> Descriptor:
        if "directory" in open_flags and open_flags & {"create", "exclusive", "truncate"}:
            raise WitError("invalid")
        follow = "symlink-follow" in path_flags and not {"create", "exclusive"} <= open_flags
        place = self.tree.resolve(self._directory(), path, follow=follow)
        node = place.node
        if node is None:
            if "create" not in open_flags:
                raise WitError("no-entry")
            node = self.tree.make_file(place, self.worker.moment_ns())
        elif {"create", "exclusive"} <= open_flags:
            raise WitError("exist")
        elif place.wants_directory and node.kind is not Kind.DIRECTORY:
            raise WitError("not-directory")
        _check_openable(node, open_flags, flags)
        if "truncate" in open_flags:
            node.own_data().clear()
            node.modified_ns = self.worker.moment_ns()
        return Descriptor(self.worker, node, flags, _joined(self.path, path))

    @deterministic
    def read_directory(self) -> DirectoryEntryStream:
        return DirectoryEntryStream(self.worker, self._directory())

    @deterministic
    def create_directory_at(self, path: str) -> None:
        self.tree.make_directory(self._directory(), path, self.worker.moment_ns())

    @deterministic
    def set_times_at(
        self,
        path_flags: frozenset[str],
        path: str,
        data_access_timestamp: Value,
        data_modification_timestamp: Value,
    ) -> None:
        self._set_times(self._at(path_flags, path), data_access_timestamp, data_modification_timestamp)

    @deterministic
    def link_at(self, old_path_flags: frozenset[str], old_path: str, new_descriptor: Descriptor, new_path: str) -> None:
        if "symlink-follow" in old_path_flags:
            raise WitError("invalid")  # as wasmtime
        old = self.tree.existing(self._directory(), old_path, follow=False)
        self.tree.link(old, new_descriptor._directory(), new_path, self.worker.moment_ns())

    @deterministic
    def readlink_at(self, path: str) -> str:
        node = self.tree.existing(self._directory(), path, follow=False)
        if node.kind is not Kind.SYMBOLIC_LINK:
            raise WitError("invalid")
        return node.target

    @deterministic
    def symlink_at(self, old_path: str, new_path: str) -> None:
        self.tree.make_link(self._directory(), old_path, new_path, self.worker.moment_ns())

    @deterministic
    def rename_at(self, old_path: str, new_descriptor: Descriptor, new_path: str) -> None:
        at_ns = self.worker.moment_ns()
        self.tree.rename(self._directory(), old_path, new_descriptor._directory(), new_path, at_ns)

    @deterministic
    def remove_directory_at(self, path: str) -> None:
        self.tree.remove_directory(self._directory(), path, self.worker.moment_ns())

    @deterministic
    def unlink_file_at(self, path: str) -> None:
        self.tree.remove_file(self._directory(), path, self.worker.moment_ns())

    def _at(self, path_flags: frozenset[str], path: str) -> Node:
        return self.tree.existing(self._directory(), path, follow="symlink-follow" in path_flags)

    def _directory(self) -> Node:
        if self.node.kind is not Kind.DIRECTORY:
            raise WitError("not-directory")
        return self.node

    def _file(self, right: str | None) -> Node:
        """Return the node of an open file that may be read or written."""
        if self.node.kind is not Kind.REGULAR_FILE:
            raise WitError("bad-descriptor")
        # Without any flag a file is open for reading, as in wasmtime.
        rights = self.flags if self.flags & {"read", "write"} else {"read"}
        if right is not None and right not in rights:
            raise WitError("bad-descriptor")
        if right == "write":
            self.node.check_changeable()
        return self.node

    def _set_times(self, node: Node, accessed: Value, modified: Value) -> None:
        node.check_changeable()
        now_ns = self.worker.moment_ns()
        node.accessed_ns = _new_time(accessed, node.accessed_ns, now_ns)
        node.modified_ns = _new_time(modified, node.modified_ns, now_ns)


def _check_openable(node: Node, open_flags: frozenset[str], flags: frozenset[str]) -> None:
    if node.kind is Kind.SYMBOLIC_LINK:
        raise WitError("loop")  # it was not to be followed
    if node.kind is Kind.DIRECTORY and ("write" in flags or "truncate" in open_flags):
        raise WitError("is-directory")
    if "directory" in open_flags and node.kind is not Kind.DIRECTORY:
        raise WitError("not-directory")
    if "write" in flags or "truncate" in open_flags:
        node.check_changeable()


def _new_time(wanted: Value, old_ns: int, now_ns: int) -> int:
    case, value = wanted
    match case:
        case "now":
            return now_ns
        case "timestamp":
            return int(value["seconds"]) * 10**9 + int(value["nanoseconds"])
    return old_ns


def _times(node: Node) -> Value:
    return {
        "data-access-timestamp": datetime_value(node.accessed_ns),
        "data-modification-timestamp": datetime_value(node.modified_ns),
    }


def _stat_value(node: Node, times: Value) -> Value:
    """Return a descriptor-stat, and write the recorded times back to the file."""
    accessed, modified = times["data-access-timestamp"], times["data-modification-timestamp"]
    node.accessed_ns = _new_time(("timestamp", accessed), 0, 0)
    node.modified_ns = _new_time(("timestamp", modified), 0, 0)
    return {
        "type": node.kind.value,
        "link-count": node.links,
        "size": node.size,
        "data-access-timestamp": accessed,
        "data-modification-timestamp": modified,
        "status-change-timestamp": None,
    }


def _hash_value(node: Node) -> Value:
    digest = hashlib.blake2b(node.number.to_bytes(8, "little"), digest_size=16).digest()
    return {"lower": int.from_bytes(digest[:8], "little"), "upper": int.from_bytes(digest[8:], "little")}


def _joined(directory: str, path: str) -> str:
    return f"{directory.rstrip('/')}/{path}"


def put(node: Node, offset: int, contents: bytes, at_ns: int) -> None:
    """Write into a file; a hole before `offset` is zeroes."""
    _check_size(offset + len(contents))
    data = node.own_data()
    if offset > len(data):
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(contents)] = contents
    node.modified_ns = at_ns


def _check_size(size: int) -> None:
    if size > MOST_FILE_BYTES:
        raise WitError("file-too-large")


def _size(data: bytes) -> int:
    return len(data)


class FileInput(InputStream):
    def __init__(self, worker: HostContext, node: Node, offset: int) -> None:
        super().__init__(worker)
        self._node, self._offset = node, offset

    def take(self, most: int) -> bytes:
        data = bytes(self._node.data[self._offset : self._offset + most])
        if not data and most:
            raise WitError(CLOSED)
        self._offset += len(data)
        return data


class FileOutput(OutputStream):
    """Writes at an offset, or at the end (`offset` None) wherever that is by then."""

    def __init__(self, worker: HostContext, node: Node, offset: int | None) -> None:
        super().__init__(worker)
        self._node, self._offset = node, offset

    def put(self, contents: bytes) -> None:
        at = self._node.size if self._offset is None else self._offset
        try:
            put(self._node, at, contents, self.worker.moment_ns())
        except WitError as error:
            raise WitError(("last-operation-failed", FileError(self.worker, error.payload))) from None
        if self._offset is not None:
            self._offset += len(contents)


class FileError(IoError):
    """An error of a file's stream: `filesystem-error-code` tells its code."""

    def __init__(self, worker: HostContext, code: str) -> None:
        super().__init__(worker, f"a file cannot be written: {code}")
        self.code = code


class DirectoryEntryStream(Resource, wit="wasi:filesystem/types#directory-entry-stream"):
    """The entries that a directory had when it was opened, by name, without `.` and `..`."""

    def __init__(self, worker: HostContext, directory: Node) -> None:
        self.worker = worker
        # By code point: the same everywhere, whatever the locale.
        self._rest = iter(sorted((name, entry.kind.value) for name, entry in directory.entries.items()))

    @deterministic
    def read_directory_entry(self) -> Value:
        name, kind = next(self._rest, (None, None))
        return None if name is None else {"type": kind, "name": name}


class Types(Interface, wit="wasi:filesystem/types"):
    @deterministic
    def filesystem_error_code(self, err: IoError) -> str | None:
        return err.code if isinstance(err, FileError) else None


class Preopens(Interface, wit="wasi:filesystem/preopens"):
    @deterministic
    def get_directories(self) -> Sequence[tuple[Descriptor, str]]:
        root, flags = self.worker.files.root, frozenset({"read", "mutate-directory"})
        return [(Descriptor(self.worker, root, flags, path), path) for path in ("/", ".")]
