"""Data that workers keep outside of their memory: shared, lasting, and the same whenever a worker was cut off.

The component is tests/components/stores.wat.
"""

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.connect import engine_process, kill_local, stop_local
from golem_nb.engine import stores
from golem_nb.engine.engine import Engine
from golem_nb.errors import ClientError, EngineStopped, InvocationFailed
from golem_nb.model import LOCAL_ENVIRONMENT, EventType, LogLevel, WorkerId, WorkerStatus
from golem_nb.oplog.entries import ExportedFunctionInvoked, ImportedFunctionInvoked, Log
from tests.engine.conftest import until
from tests.test_crash import cut, oplog_of, output_of

COMPONENTS = Path(__file__).parent / "components"
WASM = component_from_text((COMPONENTS / "stores.wat").read_text())
OK = ("ok", None)
REST = 2**64 - 1


class Bench:
    """An engine on a folder, with the component in an environment."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = Engine.open(folder)
        self.component_id = self.deploy()

    def deploy(self, name="stores", environment_id=LOCAL_ENVIRONMENT):
        return self.engine.create_component(environment_id, name, WASM).id

    def call(self, function, *params, worker="w", component_id=None):
        id = WorkerId(component_id or self.component_id, worker)
        result = self.engine.invoke_and_await(id, function, list(params)).result(20)
        return None if result is None else result.value

    def entries(self, kind, worker="w"):
        id = WorkerId(self.component_id, worker)
        return [entry for _, entry in self.engine.oplog(id).entries if isinstance(entry, kind)]

    def reopen(self):
        self.engine.close()
        self.engine = Engine.open(self.folder)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.engine.close()


# Sharing and lasting.


def test_workers_of_an_environment_share_their_buckets(bench):
    other = bench.deploy("other")
    apart = bench.deploy("apart", uuid4())

    bench.call("set", "b", "k", "v", worker="w1")

    assert bench.call("get", "b", "k", worker="w2") == "v"
    assert bench.call("get", "b", "k", component_id=other) == "v"
    assert bench.call("get", "b", "k", component_id=apart) is None


def test_workers_of_an_environment_share_their_containers(bench):
    apart = bench.deploy("apart", uuid4())
    bench.call("create", "c", worker="w1")
    bench.call("write", "c", "o", "hello", worker="w1")

    assert bench.call("read", "c", "o", 0, REST, worker="w2") == ("ok", "hello")
    assert not bench.call("container-exists", "c", component_id=apart)


def test_data_outlives_the_engine_and_the_worker(bench):
    bench.call("set", "b", "k", "v")
    bench.call("create", "c")
    bench.call("write", "c", "o", "hello")
    bench.engine.delete_worker(WorkerId(bench.component_id, "w"))

    bench.reopen()

    assert bench.call("get", "b", "k") == "v"
    assert bench.call("read", "c", "o", 0, REST) == ("ok", "hello")


def test_what_was_read_is_replayed_and_not_read_again(bench):
    bench.call("set", "b", "k", "then")
    assert bench.call("get", "b", "k", worker="reader") == "then"
    bench.call("set", "b", "k", "now")

    bench.engine.crash_worker(WorkerId(bench.component_id, "reader"))

    assert bench.call("get", "b", "k", worker="reader") == "now"
    assert bench.engine.worker(WorkerId(bench.component_id, "reader")).entries_replayed > 1


# What the functions say.


def test_many_values_at_once(bench):
    bench.call("set-many", "b", [["x", "1"], ["y", "22"]])

    assert bench.call("get-many", "b", ["y", "nope", "x"]) == ["22", None, "1"]
    assert bench.call("keys", "b") == ["x", "y"]
    bench.call("delete-many", "b", ["x", "nope"])
    assert bench.call("keys", "b") == ["y"]


def test_values_go_through_streams(bench):
    bench.call("set-twice", "b", "k", "ab")

    assert bench.call("peek", "b", "k", 3) == (4, "aba")


def test_errors_of_the_blobstore_come_as_text(bench):
    bench.call("create", "c")

    assert bench.call("find", "never") == ("err", "Container not found: never")
    assert bench.call("size", "c", "never") == ("err", "Object not found: c/never")
    assert bench.call("read", "c", "never", 0, 1) == ("err", "Object not found: c/never")
    assert bench.call("move", "c", "never", "c", "p") == ("err", "Object not found: c/never")
    assert bench.call("copy", "c", "never", "never", "p") == ("err", "Container not found: never")


def test_an_error_is_replayed(bench):
    bench.call("create", "c")
    before = bench.call("size", "c", "never")
    bench.call("write", "c", "never", "now")

    bench.engine.crash_worker(WorkerId(bench.component_id, "w"))

    assert before == ("err", "Object not found: c/never")
    assert bench.call("size", "c", "never") == ("ok", 3)


def test_what_golem_does_not_implement_traps_with_its_name(bench):
    with pytest.raises(InvocationFailed, match=r"wasi:keyvalue/atomic\.increment is not implemented, as in Golem"):
        bench.call("increment", "b", "k")


def test_other_drafts_are_served_too(bench):
    wasm = component_from_text((COMPONENTS / "drafts.wat").read_text())
    drafts = bench.engine.create_component(LOCAL_ENVIRONMENT, "drafts", wasm).id
    bench.engine.launch_worker(drafts, "w", config={"mode": "dry"})

    bench.call("log", "hello", component_id=drafts)

    for draft in ("runtime", "store"):
        assert bench.call(draft, "mode", component_id=drafts) == "dry"
        assert bench.call(draft, "other", component_id=drafts) is None
    with pytest.raises(InvocationFailed, match=r"wasi:keyvalue/cache\.get is not implemented, as in Golem"):
        bench.call("cached", "k", component_id=drafts)


def test_the_oplog_names_what_was_asked_and_hides_what_was_stored(bench):
    bench.call("set", "b", "k", "secret")
    bench.call("get", "b", "k")
    bench.call("create", "c")
    bench.call("write", "c", "o", "hello")
    bench.call("copy", "c", "o", "c", "p")

    found = [(e.function_name, e.request.typed().value, e.effect) for e in bench.entries(ImportedFunctionInvoked)]

    transfer = {"src_container": "c", "src_object": "o", "dest_container": "c", "dest_object": "p"}
    assert found == [
        ("golem keyvalue::eventual::set", {"bucket": "b", "key": "k", "value": 6}, "WriteRemote"),
        ("golem keyvalue::eventual::get", {"bucket": "b", "key": "k"}, "ReadRemote"),
        ("golem blobstore::blobstore::create_container", {"container": "c"}, "WriteRemote"),
        ("golem blobstore::blobstore::get_container", {"container": "c"}, "ReadRemote"),
        ("golem blobstore::container::write_data", {"container": "c", "object": "o", "length": 5}, "WriteRemote"),
        ("golem blobstore::blobstore::copy_object", transfer, "WriteRemote"),
    ]


# Logging and configuration.


def test_a_logged_line_is_an_entry_and_an_event(bench):
    bench.engine.launch_worker(bench.component_id, "w")
    with closing(bench.engine.events(WorkerId(bench.component_id, "w"))) as events:
        bench.call("log", 3, "cart", "two eggs")
        event = next(e for e in events if e.type is EventType.LOG)

    assert (event.level, event.message, event.context) == ("Warn", "two eggs", {"context": "cart"})
    (entry,) = bench.entries(Log)
    assert (entry.level, entry.context, entry.message) == (LogLevel.WARN, "cart", "two eggs")


def test_a_logged_line_is_not_repeated_by_replay(bench):
    bench.call("log", 2, "cart", "two eggs")

    bench.engine.crash_worker(WorkerId(bench.component_id, "w"))
    bench.call("log", 2, "cart", "three eggs")

    assert [entry.message for entry in bench.entries(Log)] == ["two eggs", "three eggs"]


def test_a_worker_keeps_its_configuration_and_a_fork_has_it(bench):
    config = {"mode": "dry", "depth": "3"}
    worker = bench.engine.launch_worker(bench.component_id, "w", config=config)
    assert bench.call("setting", "mode") == "dry"
    bench.engine.update_component(bench.component_id, WASM)

    bench.engine.fork_worker(worker, WorkerId(bench.component_id, "fork"), 2)
    bench.engine.update_worker(worker, 1)
    bench.reopen()

    for name in ("w", "fork"):
        assert bench.call("settings", worker=name) == list(config.items())
        assert bench.call("setting", "other", worker=name) is None
        assert bench.engine.worker(WorkerId(bench.component_id, name)).config == config
    assert bench.engine.worker(worker).component_version == 1


def test_a_move_that_was_undone_is_made_again(bench):
    worker = WorkerId(bench.component_id, "w")
    bench.call("create", "c", worker="other")
    bench.call("write", "c", "o", "first", worker="other")
    bench.call("move", "c", "o", "c", "p")
    bench.call("write", "c", "o", "second", worker="other")
    invoked = [i for i, e in bench.engine.oplog(worker).entries if isinstance(e, ExportedFunctionInvoked)]

    bench.engine.revert_worker(worker, last_index=invoked[0])
    bench.engine.resume_worker(worker)
    until(lambda: bench.engine.worker(worker).status is WorkerStatus.IDLE)

    assert bench.call("read", "c", "p", 0, REST) == ("ok", "second")
    assert bench.call("names", "c") == ("ok", ["p"])


# Crashes.

CALLS = [
    ("set", "b", "k", "one"),
    ("get", "b", "k"),
    ("set", "b", "k", "two"),
    ("get", "b", "k"),
    ("set-many", "b", [["x", "1"], ["y", "22"]]),
    ("get-many", "b", ["y", "nope", "x"]),
    ("delete-many", "b", ["x", "k"]),
    ("keys", "b"),
    ("set-twice", "b", "z", "ab"),
    ("delete", "b", "z"),
    ("exists", "b", "z"),
    ("log", 2, "half", "way"),
    ("create", "c"),
    ("create", "d"),
    ("write", "c", "o", "hello"),
    ("copy", "c", "o", "d", "o"),
    ("move", "c", "o", "c", "p"),
    ("move", "c", "o", "c", "p"),
    ("read", "c", "p", 1, 3),
    ("write", "c", "o", "again"),
    ("move", "c", "o", "d", "o"),
    ("read", "d", "o", 0, REST),
    ("names", "c"),
    ("delete-objects", "c", ["p"]),
    ("names", "c"),
    ("clear", "d"),
    ("names", "d"),
    ("delete-container", "d"),
    ("container-exists", "d"),
]
TABLES = {
    "keyvalue": "environment_id, bucket, key, value",
    "container": "environment_id, name, created_at_ms",
    "blob": "environment_id, container, name, created_at_ms, data",
    "blob_transfer": "worker, effect",
}


def data_of(folder):
    connection = sqlite3.connect(folder / "golem.db")
    found = {
        table: connection.execute(f"SELECT {columns} FROM {table}").fetchall() for table, columns in TABLES.items()
    }
    connection.close()
    return found


def without_times(data):
    blobs = sorted((*row[:3], row[4]) for row in data["blob"])
    return sorted(data["keyvalue"]), sorted(row[:2] for row in data["container"]), blobs


def put(folder, data):
    """Make the data of a folder what it was."""
    connection = sqlite3.connect(folder / "golem.db")
    with connection:
        for table in reversed(TABLES):
            connection.execute(f"DELETE FROM {table}")
        for table, rows in data.items():
            if rows:
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.close()


def run(folder, component_id):
    engine = Engine.open(folder)
    worker = WorkerId(component_id, "w")
    try:
        answers = [engine.invoke_and_await(worker, f, p, f"key-{n}") for n, (f, *p) in enumerate(CALLS)]
        results = [answer.result(20) for answer in answers]
        return [None if result is None else result.value for result in results]
    finally:
        engine.close()


@pytest.fixture
def told(tmp_path, monkeypatch):
    """A folder whose worker has done everything, its answers, and the data before each effect and at the end."""
    folder = tmp_path / "whole"
    bench = Bench(folder)
    bench.engine.close()
    moments, stored = [data_of(folder)], stores._stored

    def watched(written):
        try:
            return stored(written)
        finally:
            moments.append(data_of(folder))

    with monkeypatch.context() as patched:
        patched.setattr(stores, "_stored", watched)
        answers = run(folder, bench.component_id)
    return folder, bench.component_id, answers, moments


def is_effect(entry):
    return isinstance(entry, ImportedFunctionInvoked) and entry.effect == "WriteRemote"


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_worker_that_was_cut_off_around_any_effect_ends_as_if_it_had_not_been(told, tmp_path, is_done):
    """After each entry: the next effect, if one follows, was not made yet; or it was, and its entry was lost."""
    folder, component_id, answers, moments = told
    oplog = oplog_of(folder)
    assert len(moments) == sum(map(is_effect, oplog)) + 1
    assert answers[16:18] == [OK, ("err", "Object not found: c/o")]

    for at in range(1, len(oplog)):
        made = sum(map(is_effect, oplog[:at])) + (is_done and is_effect(oplog[at]))
        if is_done and not is_effect(oplog[at]):
            continue
        copy = tmp_path / f"cut-{at}"
        cut(folder, copy, at)
        put(copy, moments[made])

        assert run(copy, component_id) == answers, f"cut after entry {at}"
        assert without_times(data_of(copy)) == without_times(data_of(folder)), f"cut after entry {at}"
        assert output_of(copy) == output_of(folder), f"cut after entry {at}"
        shutil.rmtree(copy)


def test_an_object_that_is_passed_on_is_neither_lost_nor_doubled_by_signal_9(tmp_path):
    """Each move finds its source where the one before put it, and engines die in the middle of them."""
    running = [engine_process(tmp_path).client()]
    worker = WorkerId(running[0].create_component("stores", WASM).id, "w")
    ended = threading.Event()

    def kill_often():
        while not ended.wait(0.15):
            kill_local(tmp_path)
            running.append(engine_process(tmp_path).client())

    def ask(key, function, *params):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                return running[-1].invoke_and_await(worker, function, list(params), key=key).value
            except (ClientError, EngineStopped):
                time.sleep(0.005)
        raise AssertionError(f"no answer for {key}")

    ask("create", "create", "c")
    ask("write", "write", "c", "0", "hello")
    killer = threading.Thread(target=kill_often)
    killer.start()
    try:
        moved, until_s = 0, time.monotonic() + 5
        while time.monotonic() < until_s or moved < 20:
            assert ask(f"move-{moved}", "move", "c", str(moved), "c", str(moved + 1)) == OK
            moved += 1
    finally:
        ended.set()
        killer.join()

    assert ask("names", "names", "c") == ("ok", [str(moved)])
    assert len(running) > 2
    stop_local(tmp_path)
    for client in running:
        client.close()


def test_a_write_whose_entry_is_lost_is_there(bench, monkeypatch):
    """What a worker wrote is stored before its oplog says so: the entry is what may be missing, never the data."""
    seen = []
    append = stores.EnvironmentKeyValues.set

    def watched(self, bucket, pairs):
        append(self, bucket, pairs)
        seen.append((data_of(bench.folder)["keyvalue"][-1][2:], len(bench.entries(ImportedFunctionInvoked))))

    monkeypatch.setattr(stores.EnvironmentKeyValues, "set", watched)
    bench.call("set", "b", "k", "v")

    assert seen == [(("k", b"v"), 0)]
    assert bench.engine.worker(WorkerId(bench.component_id, "w")).status is WorkerStatus.IDLE
