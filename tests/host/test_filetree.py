import pytest

from golem_nb.host.declare import WitError
from golem_nb.host.filetree import MOST_LINKS, FileTree, Kind


@pytest.fixture
def tree():
    """/a/b/file, /a/link -> b/file, /loop -> loop, /out -> /etc, /up -> ../x"""
    tree = FileTree()
    root = tree.root
    tree.make_directory(root, "a", 1)
    tree.make_directory(root, "a/b", 1)
    tree.make_file(tree.resolve(root, "a/b/file", follow=True), 1)
    tree.make_link(root, "b/file", "a/link", 1)
    tree.make_link(root, "loop", "loop", 1)
    tree.make_link(root, "../x", "up", 1)
    tree.make_link(root, "a", "dir", 1)
    return tree


def code(action):
    with pytest.raises(WitError) as caught:
        action()
    return caught.value.payload


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".", Kind.DIRECTORY),
        ("a", Kind.DIRECTORY),
        ("a/", Kind.DIRECTORY),
        ("a//b/./../b", Kind.DIRECTORY),
        ("a/b/file", Kind.REGULAR_FILE),
        ("a/link", Kind.REGULAR_FILE),
        ("dir/b/file", Kind.REGULAR_FILE),
        ("dir/link", Kind.REGULAR_FILE),
        ("dir/", Kind.DIRECTORY),
        ("dir/..", Kind.DIRECTORY),
    ],
)
def test_paths_lead_where_they_should(tree, path, kind):
    assert tree.existing(tree.root, path, follow=True).kind is kind


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", "no-entry"),
        ("nothing", "no-entry"),
        ("nothing/more", "no-entry"),
        ("a/b/file/", "not-directory"),
        ("a/b/file/x", "not-directory"),
        ("a/link/", "not-directory"),
        ("/a", "not-permitted"),
        ("..", "not-permitted"),
        ("a/../../x", "not-permitted"),
        ("up", "not-permitted"),
        ("loop", "loop"),
        ("x" * 256, "name-too-long"),
        ("a\0b", "invalid"),
    ],
)
def test_paths_that_lead_nowhere_say_why(tree, path, error):
    assert code(lambda: tree.existing(tree.root, path, follow=True)) == error


def test_a_link_at_the_end_may_be_looked_at_itself(tree):
    assert tree.existing(tree.root, "a/link", follow=False).kind is Kind.SYMBOLIC_LINK
    assert tree.existing(tree.root, "dir/", follow=False).kind is Kind.DIRECTORY


def test_below_a_directory_its_parent_is_out_of_reach(tree):
    a = tree.existing(tree.root, "a", follow=True)

    assert code(lambda: tree.existing(a, "../a", follow=True)) == "not-permitted"


def test_many_links_are_followed_but_not_endlessly(tree):
    previous = "a"
    for number in range(MOST_LINKS + 1):
        tree.make_link(tree.root, previous, f"l{number}", 1)
        previous = f"l{number}"

    assert tree.existing(tree.root, f"l{MOST_LINKS - 1}", follow=True).kind is Kind.DIRECTORY
    assert code(lambda: tree.existing(tree.root, f"l{MOST_LINKS}", follow=True)) == "loop"


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (lambda t: t.make_directory(t.root, "a", 2), "exist"),
        (lambda t: t.make_directory(t.root, "x/y", 2), "no-entry"),
        (lambda t: t.make_link(t.root, "/etc", "x", 2), "not-permitted"),
        (lambda t: t.make_link(t.root, "a", "dir", 2), "exist"),
        (lambda t: t.remove_file(t.root, "a", 2), "is-directory"),
        (lambda t: t.remove_file(t.root, "x", 2), "no-entry"),
        (lambda t: t.remove_file(t.root, "a/b/file/", 2), "not-directory"),
        (lambda t: t.remove_directory(t.root, "a", 2), "not-empty"),
        (lambda t: t.remove_directory(t.root, "a/b/file", 2), "not-directory"),
        (lambda t: t.remove_directory(t.root, ".", 2), "busy"),
        (lambda t: t.link(t.root, t.root, "x", 2), "not-permitted"),
        (lambda t: t.rename(t.root, "a", t.root, "a/b/c", 2), "invalid"),
        (lambda t: t.rename(t.root, "a/b/file", t.root, "a", 2), "is-directory"),
        (lambda t: t.rename(t.root, "a/b", t.root, "loop", 2), "not-directory"),
        (lambda t: t.rename(t.root, "x", t.root, "y", 2), "no-entry"),
        (lambda t: t.rename(t.root, "a/b/file", t.root, "y/", 2), "not-directory"),
    ],
)
def test_what_is_not_allowed_changes_nothing(tree, action, error):
    before = listing(tree.root)

    assert code(lambda: action(tree)) == error
    assert listing(tree.root) == before


def listing(node, path=""):
    found = {path: (node.kind, node.links, bytes(node.data))}
    for name, entry in node.entries.items():
        found |= listing(entry, f"{path}/{name}")
    return found


def test_renaming_replaces_a_file_and_an_empty_directory(tree):
    root = tree.root
    tree.make_file(tree.resolve(root, "f", follow=True), 1)
    tree.make_directory(root, "e", 1)

    tree.rename(root, "f", root, "a/b/file", 2)
    tree.rename(root, "a/b", root, "e", 2)

    assert sorted(root.entries["e"].entries) == ["file"]
    assert sorted(root.entries["a"].entries) == ["link"]


def test_a_file_has_as_many_links_as_names(tree):
    root = tree.root
    file = tree.existing(root, "a/b/file", follow=True)
    tree.link(file, root, "second", 2)
    assert file.links == 2
    tree.rename(root, "second", root, "a/b/file", 2)  # two names of one file: nothing happens
    assert file.links == 2

    tree.remove_file(root, "second", 2)
    tree.remove_file(root, "a/b/file", 2)

    assert file.links == 0
