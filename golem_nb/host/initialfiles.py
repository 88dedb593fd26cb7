"""The files that a component version gives its workers, and what an update makes of them. Source: SEMANTICS 1.4, 6.5.

A worker's tree begins with those of one version. When an update succeeds, live or in replay, it is adjusted to those of
the next: read-only files become what the new version says, read-write ones stay the worker's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from golem_nb.errors import BadInput, GolemError
from golem_nb.host.filetree import FileTree, Kind, Node
from golem_nb.model import FileContent, InitialFile, clean_path

MOST_FILES = 1000
MOST_BYTES = 256 << 20  # of all files of a version together
MOST_PATH = 1000


class FilesConflict(GolemError):
    """The files of a component version cannot be put where the worker's own are."""


@dataclass(frozen=True, slots=True)
class InitialFiles:
    """The files of a component version by path, with their data. `at_ns` is when the version was made."""

    files: Mapping[str, tuple[InitialFile, bytes]] = field(default_factory=dict)
    at_ns: int = 0


NONE = InitialFiles()


def checked_files(files: Mapping[str, FileContent]) -> dict[str, FileContent]:
    """Return what a version is to be given, by clean paths.

    Raises:
        BadInput: There are too many, two of one name, or one below another.
    """
    found = {clean_path(path): file for path, file in files.items()}
    if len(found) < len(files):
        raise BadInput("two initial files have the same path")
    if len(found) > MOST_FILES or sum(len(file.data) for file in found.values()) > MOST_BYTES:
        raise BadInput(f"a component has at most {MOST_FILES} initial files with {MOST_BYTES >> 20} MiB together")
    for path in found:
        if path == "/" or len(path) > MOST_PATH:
            raise BadInput(f"the path of an initial file has 1 to {MOST_PATH} characters, found {path[:80]}")
        above = path
        while above := above.rpartition("/")[0]:
            if above in found:
                raise BadInput(f"the initial file {above} is a directory of {path[:200]}")
    return found


class WorkerFiles:
    """A worker's tree, and the initial files that it was last adjusted to."""

    def __init__(self, initial: InitialFiles, content: Callable[[str], bytes]) -> None:
        """`content` finds data by their SHA-256."""
        self.tree, self._initial, self._content = FileTree(), NONE, content
        self.adjust(initial)

    def restore(self, saved: bytes) -> None:
        """Become the tree of a snapshot, made when the same initial files held."""
        if saved:  # none was kept in the first snapshots
            self.tree.restore(saved, self._content)

    def adjust(self, initial: InitialFiles) -> None:
        """Go over to the initial files of another version.

        Raises:
            FilesConflict: They cannot be; nothing was changed.
        """
        if initial is self._initial:
            return
        before = {path: file for path, (file, _) in self._initial.files.items()}
        gone = {path for path, file in before.items() if file.is_read_only and _differs(file, initial)}
        new = [path for path in sorted(initial.files) if self._is_to_be_put(path, before.get(path), initial, gone)]
        for path in sorted(gone):
            _take_out(self.tree, path, initial.at_ns)
        for path in new:
            file, data = initial.files[path]
            node = _make_file(self.tree, path, initial.at_ns)
            node.data, node.sha256, node.is_read_only = data, file.sha256, file.is_read_only
        self._initial = initial

    def _is_to_be_put(self, path: str, before: InitialFile | None, initial: InitialFiles, gone: set[str]) -> bool:
        """Decide about a file of the new version; `gone` are those of the old one that are taken out."""
        file, _ = initial.files[path]
        if before is None:
            there = _node_at(self.tree, path, gone)
            if there is not None and (file.is_read_only or there.kind is not Kind.REGULAR_FILE):
                raise FilesConflict(f"the file {path} cannot be put where the worker has one of its own")
            return there is None
        if not before.is_read_only and file.is_read_only:
            raise FilesConflict(f"the file {path} was read-write and cannot become read-only")
        return path in gone


def _differs(file: InitialFile, initial: InitialFiles) -> bool:
    return file.path not in initial.files or initial.files[file.path][0] != file


def _node_at(tree: FileTree, path: str, gone: set[str]) -> Node | None:
    """Return what is at a path.

    Raises:
        FilesConflict: A file, or a link, is where a directory above it would have to be.
    """
    node, at = tree.root, ""
    for name in path.strip("/").split("/"):
        if node.kind is not Kind.DIRECTORY:
            raise FilesConflict(f"the file {path} cannot be made: the worker's {at} is no directory")
        at = f"{at}/{name}"
        if name not in node.entries or at in gone:
            return None
        node = node.entries[name]
    return node


def _make_file(tree: FileTree, path: str, at_ns: int) -> Node:
    directory = tree.root
    *above, name = path.strip("/").split("/")
    for part in above:
        if part not in directory.entries:
            directory.entries[part] = tree.node(Kind.DIRECTORY, at_ns)
            directory.modified_ns = at_ns
        directory = directory.entries[part]
    node = directory.entries[name] = tree.node(Kind.REGULAR_FILE, at_ns)
    directory.modified_ns = at_ns
    return node


def _take_out(tree: FileTree, path: str, at_ns: int) -> None:
    """Take a read-only file out; the directories that it was in stay."""
    directory = tree.root
    *above, name = path.strip("/").split("/")
    for part in above:
        directory = directory.entries[part]
    directory.entries.pop(name).links -= 1
    directory.modified_ns = at_ns
