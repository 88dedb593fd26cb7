"""A worker's private files: a tree in memory, with the rules of POSIX and of a sandbox.

Not recorded: replay builds it again by running the same operations (SEMANTICS 3.4). So nothing here depends on anything
but the calls: node numbers count, directories are read in the order of their names, and times are given by the caller.
A component's initial files (`host.initialfiles`) lie in it from the beginning; read-only ones refuse every change.

Paths are resolved below a directory and cannot leave it: neither by `..`, nor by a leading slash, nor by a symbolic
link whose target has one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from golem_nb.host.declare import WitError

MOST_LINKS = 40  # symbolic links on one path, as on Linux
MOST_NAME_BYTES = 255


class Kind(StrEnum):
    """WIT's descriptor-type, as far as there are such files here."""

    DIRECTORY = "directory"
    REGULAR_FILE = "regular-file"
    SYMBOLIC_LINK = "symbolic-link"


@dataclass(slots=True, eq=False)
class Node:
    """A file, a directory or a symbolic link. Times are nanoseconds since the Unix epoch.

    `sha256` is that of an initial file nobody has written to: its `data` belong to all workers, and are not saved.
    """

    kind: Kind
    number: int
    accessed_ns: int
    modified_ns: int
    links: int = 1
    data: bytearray | bytes = field(default_factory=bytearray)
    entries: dict[str, Node] = field(default_factory=dict)
    target: str = ""
    is_read_only: bool = False
    sha256: str = ""

    @property
    def size(self) -> int:
        match self.kind:
            case Kind.REGULAR_FILE:
                return len(self.data)
            case Kind.SYMBOLIC_LINK:
                return len(self.target.encode())
        return 0

    def own_data(self) -> bytearray:
        """Return the data to change them."""
        if not isinstance(self.data, bytearray):
            self.data = bytearray(self.data)
        self.sha256 = ""
        return self.data

    def check_changeable(self) -> None:
        """Source: SEMANTICS 6.5.

        Raises:
            WitError: not-permitted: it is a read-only initial file.
        """
        if self.is_read_only:
            raise WitError("not-permitted")


# Kind, number, times of access and modification, links, data, target, entries by name.
_SavedNode = tuple[str, int, int, int, int, bytes, str, dict[str, int]]


class _SavedTree(msgspec.Struct, array_like=True):
    """`initial` has the nodes of initial files: number -> whether it is read-only, and the SHA-256 of its data."""

    root: int
    following: int
    nodes: list[_SavedNode]
    initial: dict[int, tuple[bool, str]] = {}


_saved_decoder = msgspec.msgpack.Decoder(_SavedTree)


def _no_contents(sha256: str) -> bytes:
    raise WitError("io")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: a name in a directory, and what is there. At the start directory itself, `name` is empty."""

    parent: Node
    name: str
    node: Node | None
    wants_directory: bool
    """The path ends in a slash."""


class FileTree:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.root = self.node(Kind.DIRECTORY, 0)

    def node(self, kind: Kind, at_ns: int) -> Node:
        return Node(kind, next(self._numbers), at_ns, at_ns)

    # Keeping.

    def saved(self) -> bytes:
        """Return the tree as bytes for `restore`: every node once, with its number, times, links and contents."""
        nodes: dict[int, _SavedNode] = {}
        initial: dict[int, tuple[bool, str]] = {}
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if node.number not in nodes:
                names = {name: entry.number for name, entry in node.entries.items()}
                nodes[node.number] = (
                    node.kind.value,
                    node.number,
                    node.accessed_ns,
                    node.modified_ns,
                    node.links,
                    b"" if node.sha256 else bytes(node.data),
                    node.target,
                    names,
                )
                if node.is_read_only or node.sha256:
                    initial[node.number] = (node.is_read_only, node.sha256)
                waiting += node.entries.values()
        following = next(self._numbers)
        self._numbers = itertools.count(following)
        return msgspec.msgpack.encode(_SavedTree(self.root.number, following, list(nodes.values()), initial))

    def restore(self, saved: bytes, content: Callable[[str], bytes] = _no_contents) -> None:
        """Become the tree that `saved` gave; `content` finds the data of initial files by their SHA-256."""
        tree = _saved_decoder.decode(saved)
        nodes = {
            number: Node(Kind(kind), number, accessed_ns, modified_ns, links, bytearray(data), {}, target)
            for kind, number, accessed_ns, modified_ns, links, data, target, _ in tree.nodes
        }
        for _, number, *_, names in tree.nodes:
            nodes[number].entries = {name: nodes[entry] for name, entry in names.items()}
        for number, (is_read_only, sha256) in tree.initial.items():
            nodes[number].is_read_only, nodes[number].sha256 = is_read_only, sha256
            if sha256:
                nodes[number].data = content(sha256)
        self.root, self._numbers = nodes[tree.root], itertools.count(tree.following)

    # Looking.

    def resolve(self, start: Node, path: str, *, follow: bool) -> Place:
        """Walk a path below the directory `start`; `follow` says whether a link at its end is followed, too.

        Raises:
            WitError: no-entry, not-directory, loop, name-too-long, invalid, not-permitted.
        """
        if start.kind is not Kind.DIRECTORY:
            raise WitError("not-directory")
        if not path:
            raise WitError("no-entry")
        if "\0" in path:
            raise WitError("invalid")
        if path.startswith("/"):
            raise WitError("not-permitted")
        return self._walk([start], path, follow, itertools.count(1))

    def existing(self, start: Node, path: str, *, follow: bool) -> Node:
        """Return what is at a path.

        Raises:
            WitError: As `resolve`; no-entry where there is nothing, not-directory where a file's path ends in a slash.
        """
        place = self.resolve(start, path, follow=follow)
        if place.node is None:
            raise WitError("no-entry")
        if place.wants_directory and place.node.kind is not Kind.DIRECTORY:
            raise WitError("not-directory")
        return place.node

    def _walk(self, stack: list[Node], path: str, follow: bool, links: Iterator[int]) -> Place:
        """`stack` has the directories from the start to where the walk stands; links walk on it and leave it there."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        wants_directory = path.endswith(("/", "/.")) or path == "."
        place = Place(stack[-1], "", stack[-1], wants_directory)
        for position, part in enumerate(parts):
            is_last = position == len(parts) - 1
            if place.node is None:
                raise WitError("no-entry")
            if place.node.kind is not Kind.DIRECTORY:
                raise WitError("not-directory")
            place = self._step(stack, part, wants_directory and is_last)
            if place.node is None or place.node.kind is not Kind.SYMBOLIC_LINK:
                continue
            if is_last and not follow and not wants_directory:
                continue
            place = self._follow(stack, place.node, links, wants_directory and is_last)
        return place

    def _step(self, stack: list[Node], part: str, wants_directory: bool) -> Place:
        if part == "..":
            if len(stack) == 1:
                raise WitError("not-permitted")
            stack.pop()
            return Place(stack[-1], "", stack[-1], wants_directory)
        if len(part.encode()) > MOST_NAME_BYTES:
            raise WitError("name-too-long")
        parent = stack[-1]
        node = parent.entries.get(part)
        if node is not None and node.kind is Kind.DIRECTORY:
            stack.append(node)
        return Place(parent, part, node, wants_directory)

    def _follow(self, stack: list[Node], link: Node, links: Iterator[int], wants_directory: bool) -> Place:
        if next(links) > MOST_LINKS:
            raise WitError("loop")
        if link.target.startswith("/"):
            raise WitError("not-permitted")
        place = self._walk(stack, link.target, True, links)
        return Place(place.parent, place.name, place.node, place.wants_directory or wants_directory)

    # Changing. All of these check first, and change nothing when they raise.

    def make_directory(self, start: Node, path: str, at_ns: int) -> None:
        place = self._free(start, path)
        self._enter(place, self.node(Kind.DIRECTORY, at_ns), at_ns)

    def make_file(self, place: Place, at_ns: int) -> Node:
        """Make an empty file at a place where nothing is."""
        if place.wants_directory:
            raise WitError("is-directory")
        node = self.node(Kind.REGULAR_FILE, at_ns)
        self._enter(place, node, at_ns)
        return node

    def make_link(self, start: Node, target: str, path: str, at_ns: int) -> None:
        """Make a symbolic link. One with a leading slash would lead out of the sandbox."""
        if not target:
            raise WitError("no-entry")
        if target.startswith("/"):
            raise WitError("not-permitted")
        place = self._free(start, path)
        if place.wants_directory:
            raise WitError("no-entry")
        node = self.node(Kind.SYMBOLIC_LINK, at_ns)
        node.target = target
        self._enter(place, node, at_ns)

    def link(self, old: Node, start: Node, path: str, at_ns: int) -> None:
        """Give a file a further name."""
        if old.kind is Kind.DIRECTORY:
            raise WitError("not-permitted")
        old.check_changeable()
        place = self._free(start, path)
        if place.wants_directory:
            raise WitError("no-entry")
        self._enter(place, old, at_ns)
        old.links += 1

    def remove_file(self, start: Node, path: str, at_ns: int) -> None:
        place = self._taken(start, path)
        node = place.node
        assert node is not None, "_taken"
        if node.kind is Kind.DIRECTORY:
            raise WitError("is-directory")
        if place.wants_directory:
            raise WitError("not-directory")
        node.check_changeable()
        self._leave(place, at_ns)

    def remove_directory(self, start: Node, path: str, at_ns: int) -> None:
        place = self._taken(start, path)
        node = place.node
        assert node is not None, "_taken"
        if node.kind is not Kind.DIRECTORY:
            raise WitError("not-directory")
        if node.entries:
            raise WitError("not-empty")
        self._leave(place, at_ns)

    def rename(self, old_start: Node, old_path: str, new_start: Node, new_path: str, at_ns: int) -> None:
        old, new = self._taken(old_start, old_path), self.resolve(new_start, new_path, follow=False)
        moved = old.node
        assert moved is not None, "_taken"
        if not new.name:
            raise WitError("busy")
        is_directory = moved.kind is Kind.DIRECTORY
        if (old.wants_directory or new.wants_directory) and not is_directory:
            raise WitError("not-directory")
        if is_directory and _contains(moved, new.parent):
            raise WitError("invalid")
        if new.node is moved:
            return
        _check_movable(moved)
        if new.node is not None:
            _check_replaceable(new.node, is_directory)
            self._leave(new, at_ns)
        del old.parent.entries[old.name]
        new.parent.entries[new.name] = moved
        old.parent.modified_ns = new.parent.modified_ns = at_ns

    def _free(self, start: Node, path: str) -> Place:
        place = self.resolve(start, path, follow=False)
        if place.node is not None:
            raise WitError("exist")
        return place

    def _taken(self, start: Node, path: str) -> Place:
        """Return a place that something is at, other than the start directory itself."""
        place = self.resolve(start, path, follow=False)
        if place.node is None:
            raise WitError("no-entry")
        if not place.name:
            raise WitError("busy")
        return place

    @staticmethod
    def _enter(place: Place, node: Node, at_ns: int) -> None:
        place.parent.entries[place.name] = node
        place.parent.modified_ns = at_ns

    @staticmethod
    def _leave(place: Place, at_ns: int) -> None:
        node = place.parent.entries.pop(place.name)
        node.links -= 1
        place.parent.modified_ns = at_ns


def _contains(directory: Node, other: Node) -> bool:
    return directory is other or any(
        _contains(entry, other) for entry in directory.entries.values() if entry.kind is Kind.DIRECTORY
    )


def _check_movable(node: Node) -> None:
    """A read-only file stays where its component has put it, and so do the directories that it is in."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        node.check_changeable()
        waiting += node.entries.values()


def _check_replaceable(node: Node, by_directory: bool) -> None:
    node.check_changeable()
    if by_directory and node.kind is not Kind.DIRECTORY:
        raise WitError("not-directory")
    if not by_directory and node.kind is Kind.DIRECTORY:
        raise WitError("is-directory")
    if node.entries:
        raise WitError("not-empty")
