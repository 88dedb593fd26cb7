"""A component in Python that uses what Golem has for workers. Source of what must be: SEMANTICS 5."""

import shutil
from uuid import uuid4

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.model import UpdateState, WorkerId
from golem_nb.oplog.entries import Error, Log
from tests.engine.conftest import until
from tests.test_rpc import cut, oplog_of
from tests.toolchains.conftest import link_or_copy
from tests.toolchains.test_libraries import Killed

pytestmark = [pytest.mark.toolchains, pytest.mark.timeout(600)]


class Live:
    """An open engine on the data folder of a run, and workers by their names."""

    def __init__(self, run):
        self.run, self.engine = run, Engine.open(run.folder)

    def id(self, name):
        return WorkerId(self.run.component_id, name)

    def start(self, worker, name, *params, key=None):
        return self.engine.invoke_and_await(self.id(worker), self.run.function(name), list(params), key)

    def ask(self, worker, name, *params, key=None):
        result = self.start(worker, name, *params, key=key).result(60)
        return None if result is None else result.value

    def ask_and_crash(self, name, *params):
        """Ask the worker `w`, crash it, and have it replay, which compares what it answers with what it answered."""
        answer = self.ask("w", name, *params)
        self.engine.crash_worker(self.id("w"))
        assert self.ask("w", "add", 0) == 0
        assert self.errors() == []
        return answer

    def errors(self):
        return [entry for entry in self.entries("w") if isinstance(entry, Error)]

    def entries(self, worker):
        found, index = [], 1
        while index is not None:
            page = self.engine.oplog(self.id(worker), index)
            found += [entry for _, entry in page.entries]
            index = page.next_index
        return found

    def launch(self, name, **options):
        self.engine.launch_worker(self.run.component_id, name, **options)


@pytest.fixture
def live(services, tmp_path):
    opened = Live(services.run(tmp_path / "data"))
    yield opened
    opened.engine.close()


# Calls of other workers.


def test_another_worker_is_called_once_and_its_answer_is_kept(live):
    assert live.ask_and_crash("call", "b", 5) == 5
    assert live.ask_and_crash("call", "b", 5) == 10
    assert live.ask("b", "add", 0) == 10


def test_another_worker_is_called_without_waiting(live):
    live.ask_and_crash("fire", "b", 5)

    until(lambda: live.ask("b", "add", 0) == 5)


def test_two_calls_are_under_way_at_once(live):
    assert live.ask_and_crash("both", "b", 5) == (5, 10)
    assert live.ask("b", "add", 0) == 10


def test_a_call_is_scheduled_and_one_that_is_cancelled_is_not_made(live):
    live.ask_and_crash("schedule", "b", 100, 300, True)
    live.ask_and_crash("schedule", "b", 5, 300, False)

    until(lambda: live.ask("b", "add", 0) > 0)
    assert live.ask("b", "add", 0) == 5


def test_the_failure_of_a_call_is_an_error_that_the_caller_gets(live):
    assert live.ask("w", "call-failing", "b") == "RpcError_RemoteInternalError"

    live.engine.crash_worker(live.id("w"))
    assert live.ask("w", "add", 1) == 1


def test_uuids_are_read_and_written(live):
    uuid = str(uuid4())

    assert live.ask_and_crash("uuid-round-trip", uuid) == ("ok", uuid)
    assert live.ask_and_crash("uuid-round-trip", "none")[0] == "err"


# Spans.


def test_spans_have_attributes_and_inherit_them(live):
    assert live.ask_and_crash("spans") == ([("colour", "red"), ("size", "big")], ["inner", "outer"])


def test_an_invocation_has_a_trace(live):
    depth, is_in_headers = live.ask_and_crash("trace")

    assert depth >= 1
    assert is_in_headers


# Oplogs.


def kinds_of(entries):
    """Return the entries' kinds by the names that version 1.1.7 of the interface has for them."""
    renamed = {"PendingWorkerInvocation": "PendingAgentInvocation", "CancelPendingInvocation": "CancelInvocation"}
    return [renamed.get(type(entry).__name__, type(entry).__name__) for entry in entries]


def test_the_oplog_is_read_in_pages(live):
    for _ in range(60):
        live.ask("w", "add", 0)

    kinds = live.ask_and_crash("kinds", "w", 150)

    assert kinds == kinds_of(live.entries("w")[:150])
    assert len(kinds) == 150


def test_every_kind_of_entry_can_be_read(live):
    """What the other functions leave in an oplog, and an update and a revert."""
    for call in (("fire", "b", 1), ("both", "b", 1), ("spans",), ("keyvalue", "k"), ("blobs", "c"), ("log", "x")):
        live.ask("a", *call)
    live.engine.revert_worker(live.id("a"), invocations=1)
    wasm = live.engine.component_wasm(live.run.component_id, 0)
    live.engine.update_worker(live.id("a"), live.engine.update_component(live.run.component_id, wasm).version)
    until(lambda: live.engine.worker(live.id("a")).updates[-1].state is UpdateState.SUCCESSFUL, 20)
    entries = live.entries("a")

    kinds = live.ask_and_crash("kinds", "a", 10_000)

    assert kinds == kinds_of(entries)
    assert {"Create", "ImportedFunctionInvoked", "StartSpan", "Log", "Revert", "SuccessfulUpdate"} < set(kinds)


def test_an_oplog_is_searched(live):
    live.ask("a", "add", 7)
    live.ask("a", "log", "somewhere")
    live.ask("a", "log", "elsewhere")

    found = live.ask_and_crash("search", "a", 'somewhere AND "a line of"')

    entries = live.entries("a")
    assert found == [n for n, e in enumerate(entries, 1) if isinstance(e, Log) and e.context == "somewhere"]
    assert len(found) == 6


# Workers.


def test_workers_are_listed_by_a_filter(live):
    live.launch("cart-1", env={"KIND": "cart"}, config={"mode": "wet"})
    live.launch("cart-2", env={"KIND": "order"}, config={"mode": "wet"})
    live.launch("cart-3", env={"KIND": "cart"}, config={"mode": "dry"})
    live.launch("other", env={"KIND": "cart"}, config={"mode": "wet"})

    assert live.ask_and_crash("workers", "cart", "cart", "dry") == ["cart-1"]


def test_workers_have_metadata(live):
    live.launch("w", env={"KIND": "cart"}, config={"mode": "dry"})
    live.launch("other")

    assert live.ask_and_crash("metadata", "other") == ("w", "cart", "dry", 0)
    assert live.ask_and_crash("metadata", "nobody") == ("w", "cart", "dry", None)


def test_components_and_workers_are_resolved_by_name(live):
    live.launch("other")

    assert live.ask_and_crash("resolve", "services", "other") == (True, True, True)
    assert live.ask_and_crash("resolve", "services", "nobody") == (True, True, False)
    assert live.ask_and_crash("resolve", "nothing", "nobody") == (False, False, False)


def test_a_worker_goes_on_as_two(live):
    live.ask("w", "add", 5)

    assert live.ask("w", "fork", "twin", key="k") == "original"

    assert live.ask("twin", "fork", "twin", key="k") == "forked"
    for worker in ("w", "twin"):
        live.engine.crash_worker(live.id(worker))
        assert live.ask(worker, "add", 1) == 6


def test_another_worker_is_forked_reverted_and_updated(live):
    for by in (1, 2, 3):
        live.ask("a", "add", by)
    live.ask("w", "fork-other", "a", "copy", live.engine.worker(live.id("a")).last_index)
    live.ask("w", "revert-other", "a", 2)
    wasm = live.engine.component_wasm(live.run.component_id, 0)
    live.ask_and_crash("update-other", "copy", live.engine.update_component(live.run.component_id, wasm).version)

    until(lambda: live.engine.worker(live.id("copy")).component_version == 1, 20)
    assert live.ask("copy", "add", 0) == 6
    assert live.ask("a", "add", 0) == 1


# Data.


def test_key_values_are_kept(live):
    kept = ["three", "two", "two", "None", "1", "3", "None", "True"]

    assert live.ask_and_crash("keyvalue", "shelf") == ["False", *kept]
    assert live.ask_and_crash("keyvalue", "shelf") == ["False", *kept]


def test_objects_are_kept(live):
    answer = live.ask_and_crash("blobs", "box")

    assert answer[:9] == ["False", "box", "box", "box", "moved", "12", "5", "hello", "world"]
    assert answer[9:11] == ["1", "moved"]
    assert "none" in answer[11]
    assert answer[12:] == ["False", "True", "False"]
    assert live.ask_and_crash("blobs", "box") == answer


def test_lines_are_logged(live):
    live.ask_and_crash("log", "shop")

    logged = [
        (entry.level.value, entry.context, entry.message) for entry in live.entries("w") if isinstance(entry, Log)
    ]
    levels = ["trace", "debug", "info", "warn", "error", "critical"]
    assert logged == [(level.capitalize(), "shop", f"a line of {level}") for level in levels]


def test_the_configuration_is_asked(live):
    live.launch("w", config={"mode": "dry", "size": "big"})

    assert live.ask_and_crash("config", "mode") == ("dry", 2)
    assert live.ask_and_crash("config", "none") == (None, 2)


# Cut off after each entry.


@pytest.mark.parametrize("call", [("both", "b", 5), ("keyvalue", "shelf"), ("spans",), ("metadata", "nobody")])
def test_every_entry_is_a_place_to_go_on_from(services, tmp_path, call):
    """What lies outside (the other worker, the keys) is as the whole call has left it: nothing is done twice."""
    run = services.run(tmp_path / "data")
    (answer,) = run.calls([call])

    for at in range(1, len(oplog_of(run.folder, "w"))):
        copy = tmp_path / f"cut{at}"
        shutil.copytree(run.folder, copy, copy_function=link_or_copy)
        cut(copy, "w", at)
        assert run.calls([call], copy) == [answer], at
        if call[0] == "both":
            assert total_of_b(copy, run) == 10, at


def total_of_b(folder, run):
    engine = Engine.open(folder)
    try:
        b = WorkerId(run.component_id, "b")
        return engine.invoke_and_await(b, run.function("add"), [0]).result(20).value
    finally:
        engine.close()


# A process that is killed.

CALLS = [
    ("call", "b", 5),
    ("both", "b", 5),
    ("fire", "b", 5),
    ("spans",),
    ("keyvalue", "shelf"),
    ("blobs", "box"),
    ("log", "shop"),
    ("add", 1),
]


def test_kills_between_calls_change_no_answer(services, tmp_path):
    undisturbed = Live(services.run(tmp_path / "undisturbed"))
    answers = [undisturbed.ask("w", *call) for call in CALLS]
    undisturbed.engine.close()

    killed = Killed(services.run(tmp_path / "killed"))
    try:
        for number, call in enumerate(CALLS):
            assert killed.ask(f"k{number}", *call) == answers[number]
            killed.kill()
        assert [killed.ask(f"k{number}", *call) for number, call in enumerate(CALLS)] == answers
    finally:
        killed.close()
