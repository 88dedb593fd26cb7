import pytest

from golem_nb.host import keyvalue
from golem_nb.host.declare import FUNCTIONS, Trap, WitError
from tests.host.context import call


@pytest.fixture
def eventual(stored):
    return keyvalue.Eventual(stored)


@pytest.fixture
def batch(stored):
    return keyvalue.EventualBatch(stored)


@pytest.fixture
def bucket(stored):
    return keyvalue.Bucket.open_bucket.body(stored, "b")


def value(worker, contents):
    made = keyvalue.OutgoingValue.new_outgoing_value.body(worker)
    call(made, "outgoing_value_write_body_sync", value=contents)
    return made


def test_a_value_that_is_set_is_got(stored, eventual, bucket):
    call(eventual, "set", bucket=bucket, key="k", outgoing_value=value(stored, b"abc"))

    got = call(eventual, "get", bucket=bucket, key="k")

    assert call(got, "incoming_value_size") == 3
    assert call(got, "incoming_value_consume_sync") == b"abc"
    assert call(eventual, "get", bucket=bucket, key="other") is None


def test_values_may_go_through_streams(stored, eventual, bucket):
    made = keyvalue.OutgoingValue(stored)
    call(call(made, "outgoing_value_write_body_async"), "write", contents=b"abc")
    call(eventual, "set", bucket=bucket, key="k", outgoing_value=made)

    got = call(eventual, "get", bucket=bucket, key="k")

    assert call(call(got, "incoming_value_consume_async"), "read", len=9) == b"abc"


def test_a_value_that_is_deleted_is_gone(stored, eventual, bucket):
    call(eventual, "set", bucket=bucket, key="k", outgoing_value=value(stored, b"abc"))
    assert call(eventual, "exists", bucket=bucket, key="k")

    for _ in range(2):
        call(eventual, "delete", bucket=bucket, key="k")

    assert not call(eventual, "exists", bucket=bucket, key="k")


def test_many_at_once(stored, batch, bucket):
    call(batch, "set_many", bucket=bucket, key_values=[("a", value(stored, b"1")), ("b", value(stored, b"2"))])

    got = call(batch, "get_many", bucket=bucket, keys=["b", "missing", "a"])

    assert [v and call(v, "incoming_value_consume_sync") for v in got] == [b"2", None, b"1"]
    call(batch, "delete_many", bucket=bucket, keys=["a", "missing"])
    assert call(batch, "keys", bucket=bucket) == ["b"]


def test_the_oplog_has_the_lengths_of_what_was_set(stored, eventual, batch, bucket):
    made = value(stored, b"abc")

    one = keyvalue.Eventual.set.request(eventual, bucket, "k", made)
    many = keyvalue.EventualBatch.set_many.request(batch, bucket, [("k", made)])

    assert one == {"bucket": "b", "key": "k", "value": 3}
    assert many == {"bucket": "b", "key_values": [{"key": "k", "length": 3}]}


def test_a_value_that_is_too_large_is_an_error_with_its_text(stored, monkeypatch):
    monkeypatch.setattr("golem_nb.host.bodies.MOST_BYTES", 2)

    with pytest.raises(WitError) as caught:
        value(stored, b"abc")

    assert call(caught.value.payload, "trace") == "a value has 2 bytes at most"


def test_a_large_value_comes_through_a_stream_only(stored, eventual, bucket, monkeypatch):
    monkeypatch.setattr("golem_nb.host.bodies.MOST_AT_ONCE", 2)
    call(eventual, "set", bucket=bucket, key="k", outgoing_value=value(stored, b"abc"))
    got = call(eventual, "get", bucket=bucket, key="k")

    with pytest.raises(WitError) as caught:
        call(got, "incoming_value_consume_sync")

    assert call(caught.value.payload, "trace").startswith("a value of 3 bytes is read through a stream")
    assert call(call(got, "incoming_value_consume_async"), "read", len=9) == b"abc"


def test_more_than_an_entry_can_hold_is_not_got_at_once(stored, batch, bucket, monkeypatch):
    call(batch, "set_many", bucket=bucket, key_values=[("a", value(stored, b"123")), ("b", value(stored, b"456"))])
    monkeypatch.setattr("golem_nb.host.bodies.MOST_BYTES", 5)

    with pytest.raises(WitError) as caught:
        call(batch, "get_many", bucket=bucket, keys=["a", "b"])

    assert call(caught.value.payload, "trace") == "these values have more than 5 bytes; ask for fewer at once"


NOT_IMPLEMENTED = sorted(key for key in FUNCTIONS if key.startswith(("wasi:keyvalue/atomic#", "wasi:keyvalue/cache#")))


@pytest.mark.parametrize("key", NOT_IMPLEMENTED)
def test_what_golem_does_not_implement_says_so(key, stored):
    row = FUNCTIONS[key]

    with pytest.raises(Trap, match="is not implemented, as in Golem"):
        row.body(None, *(None for _ in row.parameters))


def test_all_of_the_atomic_and_cache_interfaces_is_there():
    assert len(NOT_IMPLEMENTED) == 2 + 5 + 4 * 2 + 1
