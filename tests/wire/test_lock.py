import pytest

from golem_nb.errors import BadInput
from golem_nb.wire.lock import EngineLock, lock_from_text, text_from_lock

LOCK = EngineLock(pid=4711, port=9881, token="secret", version="0.1.0", options=("--no-network",))


def test_a_lock_is_read_back():
    assert lock_from_text(text_from_lock(LOCK)) == LOCK


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"pid": 1}',
        '{"pid": true, "port": 1, "token": "", "version": ""}',
        text_from_lock(LOCK)[:-4],
    ],
)
def test_a_file_that_is_no_lock_is_refused(text):
    with pytest.raises(BadInput, match="not an engine's lock file"):
        lock_from_text(text)


def test_the_token_is_not_shown():
    with pytest.raises(BadInput) as caught:
        lock_from_text(text_from_lock(LOCK)[:-4])

    assert "secret" not in repr(LOCK)
    assert "secret" not in str(caught.value)


def test_a_lock_of_an_earlier_version_says_nothing_of_the_network():
    assert lock_from_text('{"pid": 1, "port": 2, "token": "", "version": "0"}') == EngineLock(1, 2, "", "0")
