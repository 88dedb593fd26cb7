"""Oplogs that were recorded once, and must be replayed by every golem_nb to come.

Each recording is two files in tests/golden/oplogs: the chunks as they were stored, and in JSON what they are of: the
component's text, its versions, the invocations and what they answered. SUMS has their digests: they are never edited.
To add one, name it in RECORDINGS and run `BLESS=1 make test` (or pytest on this file); it is recorded, its digests are
added, and those that are there stay as they are. A new number, and not a new recording, is for a component that takes
another path than it used to: its old text must then stay beside the new one.
"""

import hashlib
import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.errors import GolemError
from golem_nb.model import LOCAL_ENVIRONMENT, SnapshotPolicy, UpdateState, WorkerId, WorkerStatus
from golem_nb.oplog.codec import chunk_from_entries, entries_from_chunk
from golem_nb.oplog.entries import KINDS
from golem_nb.oplog.fold import state_of
from golem_nb.values.json import json_from_value
from tests.engine.conftest import until
from tests.script import (
    ADD,
    AWAIT,
    BEGIN,
    COMPLETE,
    DRAW,
    END,
    IDEMPOTENCE,
    INDEX,
    JUMP_IF,
    KEY,
    LEVEL,
    NOTHING,
    POLICY,
    PRINT,
    PROMISE,
    SLEEP_MS,
    SMART,
    TELL,
    TRAP,
    TRAP_UNLESS,
    Outside,
    script,
    steps,
)

COMPONENTS = Path(__file__).parent / "components"
FOLDER = Path(__file__).parent / "golden" / "oplogs"
SUMS = FOLDER / "SUMS"
AUTHORITY = "AUTHORITY"
COUNTERS = "rpc:counters-exports/api"
UPDATE, REVERT = "update", "revert"  # in place of a function; the parameter is the version, or how many invocations
WAIT = "wait"  # run, be interrupted in the wait for a promise, be resumed, and have it completed


@dataclass
class Recording:
    component: str
    """The name of its text."""
    calls: list[list]
    """Function and parameters; "{N}" stands for the answer to call N."""
    versions: int = 1
    snapshots: int | None = None
    """After how many invocations each is taken."""


RECORDINGS = {
    "ledger-1": Recording("ledger", [["add", 3], ["work", 1000, 4], ["sum"]]),
    "host-1": Recording("host", [["say", "hello\n"], ["ticks", 3, False], ["sleep", 20], ["warn", "end\n"]]),
    "resource-1": Recording(
        "resource",
        [["t:t/api.{make}"], ["t:t/api.{make}"], ["t:t/api.{eat}", "{0}"], ["t:t/api.{[drop]r}", "{1}"]],
    ),
    "script-1": Recording(
        "script",
        [
            ["run", AUTHORITY, steps((TELL, 1), KEY, DRAW, (PRINT, 1), (SLEEP_MS, 5), (IDEMPOTENCE, 0), (TELL, 2))],
            ["run", AUTHORITY, steps((POLICY, 3), BEGIN, (TELL, 3), (TRAP_UNLESS, 200), (PRINT, 2), END, (TELL, 4))],
            ["run", AUTHORITY, steps(INDEX, (ADD, 1), (TELL, 5), (JUMP_IF, 202), (LEVEL, NOTHING), (LEVEL, SMART))],
            [UPDATE, 1],
            [UPDATE, 9],
            ["run", AUTHORITY, steps(PROMISE, (COMPLETE, 7), AWAIT, DRAW)],
            ["run", AUTHORITY, steps((POLICY, 2), (PRINT, 3), TRAP)],
            [REVERT, 1],
            ["run", AUTHORITY, steps(DRAW, (ADD, 2), (PRINT, 4))],
            ["total"],
        ],
        versions=2,
    ),
    "script-2": Recording(
        "script", [["run", AUTHORITY, steps(DRAW, (PRINT, n), (TELL, n))] for n in range(1, 6)], snapshots=2
    ),
    "script-3": Recording("script", [[WAIT, AUTHORITY, steps(PROMISE, AWAIT, DRAW)], ["total"]]),
    "counters-1": Recording(
        "counters",
        [
            [f"{COUNTERS}.{{counter(10).inc-by}}", 5],
            [f"{COUNTERS}.{{counter(10).get}}"],
            [f"{COUNTERS}.{{counter(20).drop}}"],
            [f"{COUNTERS}.{{counter(10).new}}"],
            [f"{COUNTERS}.{{dropped}}"],
        ],
    ),
    "stores-1": Recording(
        "stores",
        [
            ["set", "b", "k", "v"],
            ["get", "b", "k"],
            ["exists", "b", "k"],
            ["delete", "b", "k"],
            ["get", "b", "k"],
            ["set-many", "b", [["x", "1"], ["y", "22"]]],
            ["get-many", "b", ["y", "nope"]],
            ["delete-many", "b", ["x"]],
            ["keys", "b"],
            ["create", "c"],
            ["container-exists", "c"],
            ["write", "c", "o", "hello"],
            ["read", "c", "o", 1, 3],
            ["read", "c", "never", 0, 1],
            ["size", "c", "o"],
            ["has", "c", "o"],
            ["copy", "c", "o", "c", "p"],
            ["move", "c", "o", "c", "q"],
            ["move", "c", "o", "c", "q"],
            ["names", "c"],
            ["delete-objects", "c", ["p"]],
            ["clear", "c"],
            ["delete-container", "c"],
            ["find", "c"],
            ["log", 3, "cart", "two eggs"],
        ],
    ),
}
PLANS = {1: [Outside.BREAK], 3: [500], 5: [202]}
"""What the server answers to steps, at first."""


def wasm_of(recording, version):
    if recording.component == "script":
        return script(version)
    return component_from_text((COMPONENTS / f"{recording.component}.wat").read_text())


def deploy(engine, recording):
    """Deploy the component's versions; return the id of a worker of the first one."""
    component = engine.create_component(LOCAL_ENVIRONMENT, "recorded", wasm_of(recording, 0))
    worker = engine.launch_worker(component.id, "w")
    for version in range(1, recording.versions):
        engine.update_component(component.id, wasm_of(recording, version))
    return worker


def ask(engine, worker, number, function, parameters):
    """Invoke with the key of this number; return the answer as JSON."""
    try:
        result = engine.invoke_and_await(worker, function, parameters, f"call-{number}").result(20)
    except GolemError as error:
        return type(error).__name__
    return None if result is None else json_from_value(result.type, result.value)


def wait(engine, worker, number, parameters):
    engine.invoke(worker, "run", parameters, f"call-{number}").result(5)
    until(lambda: engine.worker(worker).status is WorkerStatus.SUSPENDED)
    engine.interrupt_worker(worker)
    engine.resume_worker(worker)
    until(lambda: engine.worker(worker).status is WorkerStatus.SUSPENDED)
    engine.complete_promise(worker, 4, b"\x05")  # Create, Pending, Invoked, and then the promise
    return ask(engine, worker, number, "run", parameters)


def record(name, folder):
    """Make a recording; one that is there is not touched."""
    recording, outside = RECORDINGS[name], Outside()
    outside.answers = {step: list(plan) for step, plan in PLANS.items()} if recording.versions > 1 else {}
    engine = Engine.open(folder)
    worker = deploy(engine, recording)
    if recording.snapshots:
        engine.set_snapshot_policy(worker.component_id, SnapshotPolicy(every_invocations=recording.snapshots))
    calls, answers = [], []
    for number, (function, *parameters) in enumerate(recording.calls):
        given = [outside.authority if p == AUTHORITY else p for p in parameters]
        given = [answers[int(p[1])] if isinstance(p, str) and p in ("{0}", "{1}") else p for p in given]
        if function == UPDATE:
            engine.update_worker(worker, *given)
            until(lambda: engine.worker(worker).updates[-1].state is not UpdateState.PENDING)
            answers.append(None)
        elif function == REVERT:
            engine.revert_worker(worker, invocations=given[0])
            answers.append(None)
        elif function == WAIT:
            function = "run"
            answers.append(wait(engine, worker, number, given))
        else:
            answers.append(ask(engine, worker, number, function, given))
        calls.append([function, given])
    engine.close()
    outside.close()
    connection = sqlite3.connect(folder / "golem.db")
    chunks = connection.execute("SELECT first_index, count, codec, body FROM oplog_chunk ORDER BY first_index")
    (FOLDER / f"{name}.msgpack").write_bytes(msgspec.msgpack.encode(chunks.fetchall()))
    connection.close()
    about = {
        "component": recording.component,
        "componentId": str(worker.component_id),
        "versions": recording.versions,
        "calls": calls,
        "answers": answers,
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")
    with SUMS.open("a") as sums:
        for file in (f"{name}.json", f"{name}.msgpack"):
            sums.write(f"{hashlib.sha256((FOLDER / file).read_bytes()).hexdigest()}  {file}\n")


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_oplog_is_replayed(name, tmp_path):
    if os.environ.get("BLESS") and not (FOLDER / f"{name}.json").exists():
        record(name, tmp_path / "recorded")
    about = json.loads((FOLDER / f"{name}.json").read_text())
    chunks = msgspec.msgpack.decode((FOLDER / f"{name}.msgpack").read_bytes())
    entries = [entry for *_, body in chunks for entry in entries_from_chunk(body)]
    worker = restore(tmp_path / "data", Recording(about["component"], [], about["versions"]), about, chunks)
    engine = Engine.open(tmp_path / "data")

    engine.crash_worker(worker)
    until(lambda: not engine._loaded[worker].is_busy)

    metadata = engine.worker(worker)
    assert metadata.entries_replayed  # it was, from the beginning or a snapshot
    assert metadata.last_index == len(entries)  # and nothing was appended
    assert metadata.status is state_of(entries).status
    kept = state_of(entries).outcomes
    for number, ((function, parameters), answer) in enumerate(zip(about["calls"], about["answers"], strict=True)):
        if f"call-{number}" in kept:
            assert ask(engine, worker, number, function, parameters) == answer
    engine.close()


def restore(folder, recording, about, chunks):
    """Make a data folder that has a recorded oplog; return the worker's id."""
    engine = Engine.open(folder)
    worker = deploy(engine, recording)
    engine.close()
    connection = sqlite3.connect(folder / "golem.db")
    with connection:
        connection.execute("UPDATE component SET id = ?", (about["componentId"],))
        connection.execute("UPDATE component_version SET component_id = ?", (about["componentId"],))
        connection.execute("UPDATE worker SET component_id = ?", (about["componentId"],))
        (number,) = connection.execute("SELECT number FROM worker").fetchone()
        connection.execute("DELETE FROM oplog_chunk")
        connection.executemany("INSERT INTO oplog_chunk VALUES (?, ?, ?, ?, ?)", [(number, *chunk) for chunk in chunks])
    connection.close()
    return WorkerId(UUID(about["componentId"]), worker.name)


def test_recordings_are_never_edited():
    """A recording that a change of golem_nb cannot replay is a broken promise, and no reason to record it anew."""
    sums = dict(reversed(line.split()) for line in SUMS.read_text().splitlines())

    assert sorted(sums) == sorted(p.name for p in FOLDER.iterdir() if p != SUMS)
    assert {file: hashlib.sha256((FOLDER / file).read_bytes()).hexdigest() for file in sums} == sums


def test_each_recorded_chunk_is_encoded_as_it_was():
    """A field may be added at the end of an entry with a default: then this is the place to say so."""
    for file in FOLDER.glob("*.msgpack"):
        for *_, body in msgspec.msgpack.decode(file.read_bytes()):
            assert entries_from_chunk(chunk_from_entries(entries_from_chunk(body))) == entries_from_chunk(body)


NOT_RECORDED = {
    "ActivatePlugin",
    "BeginRemoteTransaction",
    "CommittedRemoteTransaction",
    "DeactivatePlugin",
    "Exited",
    "GrowMemory",
    "PreCommitRemoteTransaction",
    "PreRollbackRemoteTransaction",
    "RolledBackRemoteTransaction",
    "SetSpanAttribute",
}


def test_the_recordings_have_almost_every_kind_of_entry():
    found = {
        type(entry).__name__
        for file in FOLDER.glob("*.msgpack")
        for *_, body in msgspec.msgpack.decode(file.read_bytes())
        for entry in entries_from_chunk(body)
    }

    assert {kind.__name__ for kind in KINDS} - found == NOT_RECORDED
