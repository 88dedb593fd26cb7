"""Every prefix of an oplog is a legal crash point: cut after each entry, replay, finish; the answers are the same."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.demo import DONE, RUN, SOURCE, CountingServer
from golem_nb.engine.engine import Engine
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.oplog.codec import chunk_from_entries, entries_from_chunk
from golem_nb.oplog.entries import BeginRemoteWrite, EndRemoteWrite, Log
from golem_nb.oplog.fold import state_of

COMPONENTS = Path(__file__).parent / "components"


@pytest.fixture(scope="module")
def server():
    counting = CountingServer()
    yield counting
    counting.close()


# Component text, and the calls made to one worker, in order.
SCENARIOS = {
    "ledger": (COMPONENTS / "ledger.wat", [("add", [3]), ("work", [1000, 4]), ("sum", [])]),
    "host": (
        COMPONENTS / "host.wat",
        [("say", ["hello\n"]), ("ticks", [3, False]), ("sleep", [20]), ("warn", ["end\n"]), ("ticks", [1, False])],
    ),
    "steps": (SOURCE, [(RUN, ["AUTHORITY", 2]), (DONE, [])]),
}


def calls_of(name, server):
    for number, (function, params) in enumerate(SCENARIOS[name][1]):
        yield function, [server.authority if p == "AUTHORITY" else p for p in params], f"{name}-{number}"


def answers(engine, worker, name, server):
    return [engine.invoke_and_await(worker, f, params, key).result(20) for f, params, key in calls_of(name, server)]


def oplog_of(folder):
    connection = sqlite3.connect(folder / "golem.db")
    rows = connection.execute("SELECT body FROM oplog_chunk ORDER BY first_index").fetchall()
    connection.close()
    return [entry for (body,) in rows for entry in entries_from_chunk(body)]


def output_of(folder):
    return "".join(entry.message for entry in oplog_of(folder) if isinstance(entry, Log))


def cut(folder, copy, length, completed_at=None):
    """Copy a folder as it was when its one worker had `length` entries.

    `completed_at` has, for promises that were completed from outside, the last entry then.
    """
    shutil.copytree(folder, copy, symlinks=True)
    kept = oplog_of(folder)[:length]
    connection = sqlite3.connect(copy / "golem.db")
    (number,) = connection.execute("SELECT number FROM worker").fetchone()
    with connection:
        connection.execute("DELETE FROM oplog_chunk")
        connection.execute("INSERT INTO oplog_chunk VALUES (?, 1, ?, 1, ?)", (number, length, chunk_from_entries(kept)))
        state = state_of(kept)
        connection.execute("UPDATE worker SET wants_to_run = ?, wake_ns = ?", (state.wants_to_run, state.wake_ns))
        connection.execute("DELETE FROM checkpoint WHERE last_index > ?", (length,))
        connection.execute("DELETE FROM promise WHERE oplog_index > ?", (length,))
        later = [(index,) for index, at in (completed_at or {}).items() if at > length]
        connection.executemany("UPDATE promise SET payload = NULL WHERE oplog_index = ?", later)
    connection.close()


def check_requests(oplog, at, original, repeated):
    """Check the requests made after a cut against those made before it.

    One that was recorded as ended is not made again; one that had begun is made again with the same idempotency key.
    """
    begun = {step: index for step, index in enumerate(indices(oplog, BeginRemoteWrite), start=1) if index <= at}
    ended = {step for step, index in enumerate(indices(oplog, EndRemoteWrite), start=1) if index <= at}
    assert not {step for step, _ in repeated} & ended
    assert all((step, key) in original for step, key in repeated if step in begun)
    assert len({step for step, _ in repeated}) == len(repeated)


def indices(oplog, kind):
    return [index for index, entry in enumerate(oplog, start=1) if isinstance(entry, kind)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_prefix_is_a_legal_crash_point(name, server, tmp_path):
    folder = tmp_path / "whole"
    engine = Engine.open(folder)
    component = engine.create_component(LOCAL_ENVIRONMENT, name, component_from_text(SCENARIOS[name][0].read_text()))
    worker, seen = WorkerId(component.id, "w"), len(server.requests)
    original = answers(engine, worker, name, server)
    requests = server.requests[seen:]
    engine.close()
    oplog = oplog_of(folder)

    for at in range(1, len(oplog)):
        copy, seen = tmp_path / f"cut-{at}", len(server.requests)
        cut(folder, copy, at)
        engine = Engine.open(copy)
        assert answers(engine, worker, name, server) == original, f"cut after entry {at}"
        engine.close()
        assert output_of(copy) == output_of(folder), f"cut after entry {at}"
        shutil.rmtree(copy)
        check_requests(oplog, at, requests, server.requests[seen:])
