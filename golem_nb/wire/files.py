"""Initial files <-> the parts of an upload; files of a worker <-> JSON. Source: SEMANTICS 0.3, 6.8.

An upload has the files as a zip archive, and beside it what each may be used for: `{"values": [{"path": "/a.txt",
"permissions": "read-only"}]}`. A file that is not mentioned is read-only.
"""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import FileContent, FileNode, clean_path
from golem_nb.wire.reading import read_list, read_number, read_text, reading

FILES, PERMISSIONS = "files", "filesPermissions"  # the names of the parts
READ_ONLY, READ_WRITE = "read-only", "read-write"
_PERMISSIONS = {READ_ONLY: True, READ_WRITE: False}

MOST_BYTES = 256 << 20  # unpacked, of all files together
MOST_DIRECTORY_BYTES = 1 << 20  # of the archive's own list of its files: some ten thousand of them
# zipfile unpacks other methods without a bound.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LAST_SECOND = 253_402_300_799  # of the year 9999
_END = struct.Struct("<4sHHHHIIH")  # the end-of-central-directory record


def parts_from_files(files: Mapping[str, FileContent]) -> tuple[bytes, str]:
    """Return the archive, and the JSON of what each file may be used for."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, file in files.items():
            # Of no particular time, so that the same files give the same bytes.
            info = zipfile.ZipInfo(clean_path(path).lstrip("/"))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(info, file.data)
    values = [{"path": clean_path(path), "permissions": permissions(f.is_read_only)} for path, f in files.items()]
    return packed.getvalue(), json.dumps({"values": values})


def files_from_parts(archive: bytes, mentioned: str | None) -> dict[str, FileContent]:
    """Read both parts of an upload; the second may be left out.

    Raises:
        BadInput: A part cannot be read or is too large, or a file is mentioned that is not there.
    """
    contents = _unpacked(archive)
    read_only = _permissions(mentioned) if mentioned is not None else {}
    absent = sorted(set(read_only) - set(contents))
    if absent:
        raise BadInput(f"`{PERMISSIONS}` mentions {absent[0]}, which the archive `{FILES}` does not have")
    return {path: FileContent(data, read_only.get(path, True)) for path, data in contents.items()}


def permissions(is_read_only: bool) -> str:
    return READ_ONLY if is_read_only else READ_WRITE


def _permissions(text: str) -> dict[str, bool]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the part `{PERMISSIONS}` is not JSON: {error}") from None
    found: dict[str, bool] = {}
    with reading(f"the part `{PERMISSIONS}`"):
        for value in read_list(given["values"]):
            word = read_text(value["permissions"])
            if word not in _PERMISSIONS:
                raise ValueError(f"permissions must be {READ_ONLY} or {READ_WRITE}, found {word!r:.80}")
            path = clean_path(read_text(value["path"]))
            if found.setdefault(path, _PERMISSIONS[word]) != _PERMISSIONS[word]:
                raise ValueError(f"{path} is mentioned twice, as both")
    return found


def _unpacked(packed: bytes) -> dict[str, bytes]:
    _check_directory(packed)
    contents: dict[str, bytes] = {}
    room = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                path = _path_of(info)
                if path in contents:
                    raise BadInput(f"the archive `{FILES}` has {path} twice")
                with archive.open(info) as member:
                    contents[path] = member.read(room + 1)  # whatever size it says that it has
                room -= len(contents[path])
                if room < 0:
                    raise BadInput(f"the files of the archive have more than {MOST_BYTES >> 20} MiB together")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise BadInput(f"the part `{FILES}` is not a zip archive that can be read: {error}") from None
    return contents


def _path_of(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    if "\\" in name:
        raise BadInput(f"paths in the archive `{FILES}` have slashes, found {name[:80]!r}")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BadInput(f"the archive `{FILES}` must have files only; {name[:80]!r} is a symbolic link")
    if info.flag_bits & 1 or info.compress_type not in _METHODS:
        raise BadInput(f"{name[:80]!r} in the archive `{FILES}` is encrypted, or neither stored nor deflated")
    path = clean_path(name)
    if path == "/":
        raise BadInput(f"a file of the archive `{FILES}` has no name")
    return path


def _check_directory(packed: bytes) -> None:
    """Look at the size of an archive's list of files before it is read as a whole."""
    at = packed.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(packed):
        raise BadInput(f"the part `{FILES}` is not a zip archive")
    size = _END.unpack_from(packed, at)[5]
    if size > MOST_DIRECTORY_BYTES or packed[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
        raise BadInput(f"the archive `{FILES}` has too many files")


def json_from_nodes(nodes: Iterable[FileNode]) -> dict[str, Any]:
    """Return Golem's listing; times are whole seconds since the Unix epoch."""
    return {"nodes": [_json_from_node(node) for node in nodes]}


def _json_from_node(node: FileNode) -> dict[str, Any]:
    shown = {"name": node.name, "lastModified": int(node.modified_at.timestamp())}
    if node.is_directory:
        return {**shown, "kind": "directory"}
    return {**shown, "kind": "file", "permissions": permissions(node.is_read_only), "size": node.size_bytes}


def nodes_from_json(json: Any) -> list[FileNode]:
    with reading("a listing of files"):
        return [_node_from_json(node) for node in read_list(json["nodes"])]


def _node_from_json(json: Any) -> FileNode:
    # Whatever a server counts: a time that no datetime can say is the nearest that one can.
    modified_at = datetime.fromtimestamp(min(max(read_number(json["lastModified"]), 0), _LAST_SECOND), UTC)
    is_directory = read_text(json["kind"]) == "directory"
    is_read_only = json.get("permissions") == READ_ONLY
    return FileNode(read_text(json["name"]), modified_at, is_directory, is_read_only, json.get("size") or 0)
