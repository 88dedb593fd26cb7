import asyncio
import io

import pytest

from golem_nb.errors import BadInput, Overloaded, Unauthorized, WorkerNotFound
from golem_nb.server.answers import PIECE, PiecesAnswer, failure_answer, pieces_of


async def in_thread(work):
    return work()


def sent_by(pieces, leaves=False, close=lambda: None):
    """Return the messages that an answer in pieces sends; with `leaves`, to a client that has gone."""
    sent = []

    async def receive():
        if not leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        await asyncio.sleep(0)

    answer = PiecesAnswer(iter(pieces), in_thread, "application/x", {"last": "7"}, close)
    asyncio.run(answer({"method": "GET", "path": "/"}, receive, send))
    return sent


def test_pieces_are_sent_one_by_one_and_end():
    start, *bodies = sent_by([b"a", b"b"])

    assert (b"last", b"7") in start["headers"] and (b"content-type", b"application/x") in start["headers"]
    assert b"content-length" not in dict(start["headers"])
    assert [(m["body"], m["more_body"]) for m in bodies] == [(b"a", True), (b"b", True), (b"", False)]


def test_pieces_that_fail_leave_the_answer_without_an_end():
    def fail():
        yield b"a"
        raise WorkerNotFound("w")

    assert sent_by(fail())[-1]["more_body"] is True


def test_pieces_are_not_made_for_who_has_gone():
    made = []

    def count():
        for number in range(100):
            made.append(number)
            yield b"x"

    sent_by(count(), leaves=True)

    assert len(made) < 5


def test_a_file_comes_in_pieces():
    assert [len(piece) for piece in pieces_of(io.BytesIO(bytes(600_000)))] == [PIECE, PIECE, 600_000 - 2 * PIECE]


@pytest.mark.parametrize("leaves", [False, True])
def test_what_is_sent_is_closed_however_it_ends(leaves):
    file = io.BytesIO(bytes(600_000))

    sent_by(pieces_of(file), leaves, file.close)

    assert file.closed


@pytest.mark.parametrize(
    ("failure", "name", "value"),
    [(Unauthorized("no"), "www-authenticate", "Bearer"), (Overloaded("later"), "retry-after", "1")],
)
def test_some_failures_have_headers(failure, name, value):
    assert failure_answer(failure).headers[name] == value
    assert name not in failure_answer(BadInput("x")).headers
