import pytest

from golem_nb.host import blobstore
from golem_nb.host.blobstore import Blobstore
from golem_nb.host.declare import WitError
from tests.host.context import START_NS, call

NOW_MS = START_NS // 10**6


@pytest.fixture
def store(stored):
    return Blobstore(stored)


@pytest.fixture
def container(store):
    return call(store, "create_container", name="c")


def write(container, name, contents):
    value = blobstore.OutgoingValue.new_outgoing_value.body(container.worker)
    call(call(value, "outgoing_value_write_body"), "write", contents=contents)
    call(container, "write_data", name=name, data=value)


def read(container, name, start=0, end=2**64 - 1):
    return call(call(container, "get_data", name=name, start=start, end=end), "incoming_value_consume_sync")


def names(container):
    return call(call(container, "list_objects"), "read_stream_object_names", len=100)[0]


def id(container, name):
    return {"container": container, "object": name}


def test_a_container_knows_its_name_and_time(stored, store, container):
    stored.clock_ns += 10**9

    for same in (container, call(store, "create_container", name="c"), call(store, "get_container", name="c")):
        assert (call(same, "name"), call(same, "info")) == ("c", {"name": "c", "created-at": NOW_MS})


def test_a_container_that_is_deleted_is_gone(store, container):
    assert call(store, "container_exists", name="c")

    for _ in range(2):
        call(store, "delete_container", name="c")

    assert not call(store, "container_exists", name="c")
    with pytest.raises(WitError, match="Container not found: c"):
        call(store, "get_container", name="c")


@pytest.mark.parametrize(
    ("start", "end", "contents"), [(0, 4, b"hello"), (1, 3, b"ell"), (4, 4, b"o"), (3, 2**64 - 1, b"lo")]
)
def test_both_ends_of_a_range_are_included(container, start, end, contents):
    write(container, "o", b"hello")

    assert read(container, "o", start, end) == contents


@pytest.mark.parametrize(("start", "end"), [(3, 2), (5, 5), (2**64 - 1, 2**64 - 1)])
def test_a_range_that_has_no_bytes_is_refused(container, start, end):
    write(container, "o", b"hello")

    with pytest.raises(WitError, match=f"c/o has 5 bytes: there are none from {start} to {end}"):
        read(container, "o", start, end)


def test_an_empty_object_is_read_from_its_beginning_only(container):
    write(container, "o", b"")

    assert read(container, "o") == b""
    with pytest.raises(WitError):
        read(container, "o", 1)


def test_a_value_may_be_read_through_a_stream(container):
    write(container, "o", b"hello")
    value = call(container, "get_data", name="o", start=0, end=9)

    assert call(value, "size") == 5
    assert call(call(value, "incoming_value_consume_async"), "read", len=3) == b"hel"


def test_a_large_value_comes_through_a_stream_only(container, monkeypatch):
    monkeypatch.setattr("golem_nb.host.bodies.MOST_AT_ONCE", 4)
    write(container, "o", b"hello")

    with pytest.raises(WitError, match="a value of 5 bytes is read through a stream"):
        read(container, "o")


def test_an_object_has_a_time_and_a_size(stored, container):
    write(container, "o", b"hello")

    assert call(container, "object_info", name="o") == {
        "name": "o",
        "container": "c",
        "created-at": NOW_MS,
        "size": 5,
    }
    assert call(container, "has_object", name="o")
    assert not call(container, "has_object", name="p")


def test_names_are_read_and_skipped_up_to_their_end(container):
    for name in "dacb":
        write(container, name, b"")
    stream = call(container, "list_objects")

    assert call(stream, "read_stream_object_names", len=2) == (["a", "b"], False)
    assert call(stream, "skip_stream_object_names", num=1) == (1, False)
    assert call(stream, "read_stream_object_names", len=2**64 - 1) == (["d"], True)
    assert call(stream, "skip_stream_object_names", num=1) == (0, True)


def test_objects_are_deleted_alone_together_and_all(container):
    for name in "abcd":
        write(container, name, b"")

    call(container, "delete_object", name="a")
    call(container, "delete_objects", names=["b", "never"])
    assert names(container) == ["c", "d"]
    call(container, "clear")
    assert names(container) == []


def test_objects_are_copied_and_moved_between_containers(store, container):
    other = call(store, "create_container", name="d")
    write(container, "o", b"hello")

    call(store, "copy_object", src=id("c", "o"), dest=id("d", "p"))
    call(store, "move_object", src=id("c", "o"), dest=id("c", "q"))

    assert (names(container), names(other)) == (["q"], ["p"])
    assert read(other, "p") == read(container, "q") == b"hello"


@pytest.mark.parametrize("transfer", ["copy_object", "move_object"])
def test_what_is_not_there_cannot_be_transferred(store, container, transfer):
    write(container, "o", b"hello")

    for source, target, text in (
        (("c", "never"), ("c", "p"), "Object not found: c/never"),
        (("never", "o"), ("c", "p"), "Container not found: never"),
        (("c", "o"), ("never", "p"), "Container not found: never"),
    ):
        with pytest.raises(WitError, match=text):
            call(store, transfer, src=id(*source), dest=id(*target))
    assert names(container) == ["o"]


def test_a_container_that_was_deleted_meanwhile_has_nothing_and_takes_nothing(store, container):
    write(container, "o", b"hello")
    call(store, "delete_container", name="c")

    assert not call(container, "has_object", name="o")
    call(container, "delete_object", name="o")
    for attempt in (
        lambda: write(container, "o", b""),
        lambda: read(container, "o"),
        lambda: call(container, "object_info", name="o"),
        lambda: call(container, "list_objects"),
        lambda: call(container, "clear"),
    ):
        with pytest.raises(WitError, match="not found: c"):
            attempt()
