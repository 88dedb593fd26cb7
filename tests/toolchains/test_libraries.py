"""Programs in C and Python that know nothing of durability: their libraries' files, clocks, randomness and memory."""

import threading

import pytest

from golem_nb.client.connect import engine_process, kill_local, stop_local
from golem_nb.engine.engine import Engine
from golem_nb.errors import ClientError, EngineStopped, InvocationFailed
from golem_nb.model import WorkerStatus
from golem_nb.oplog.entries import ExportedFunctionCompleted
from tests.engine.conftest import until
from tests.test_crash import indices, oplog_of, output_of

pytestmark = [pytest.mark.toolchains, pytest.mark.timeout(600)]

C_CALLS = [
    ("append", "first"),
    ("draw",),
    ("stamp",),
    ("nap", 5),
    ("say", "hello"),
    ("draw",),
    ("setting", "GOLEM_WORKER_NAME"),
    ("hold", 3),
    ("contents",),
]


def test_c_has_files_clocks_randomness_settings_memory_and_output(c_library, tmp_path):
    run = c_library.run(tmp_path / "data")

    answers = run.calls(C_CALLS)

    count, drawn, seconds, _, _, again, name, held, contents = answers
    assert (count, name) == (1, "w")
    assert seconds > 1_700_000_000 and drawn != again
    assert held == sum(block + page for block in range(3) for page in range(16))
    assert contents == f"first\n{drawn}\n{seconds}\n{again}\n"
    assert output_of(run.folder) == "out: hello\nerr: hello\n"


def check_c(answers):
    """Is a run's last answer, the file, what its other answers say?"""
    count, drawn, seconds, _, _, again, name, held, contents, *later = answers
    assert [count, name, held] == [1, "w", 408]
    assert contents == f"first\n{drawn}\n{seconds}\n{again}\n"
    assert all(contents == more for more in later)


LEMONS, PEARS = {"name": "lemon", "quantity": 3, "price": 0.5}, {"name": "pear", "quantity": 1, "price": 2.25}
UNKNOWN = "00000000-0000-0000-0000-000000000000"
PYTHON_CALLS = [
    ("place", [LEMONS, PEARS]),
    ("place", [PEARS]),
    ("place", []),
    ("pay", UNKNOWN, {"cash": None}),
    ("think", 5),
    ("say", "hello"),
    ("raffle", 1),
    ("raffle", 2),
    ("winners",),
    ("all",),
]


def check_python(answers):
    (_, first), (_, second), empty, unknown, _, _, one, two, winners, orders, *later = answers
    assert [empty, unknown] == [("err", ("empty", None)), ("err", ("unknown-order", UNKNOWN))]
    assert [order["id"] for order in (first, second)] == [order["id"] for order in orders]
    assert orders == [first, second]
    assert winners == one + two and set(two) == {first["id"], second["id"]}
    assert all(orders == more for more in later)


def test_python_has_files_clocks_randomness_and_the_types_of_wit(python_library, tmp_path):
    run = python_library.run(tmp_path / "data")

    answers = run.calls(PYTHON_CALLS)

    check_python(answers)
    case, first = answers[0]
    assert (case, first["state"], first["paid-by"]) == ("ok", "open", None)
    assert first["items"] == [LEMONS, PEARS] and first["placed-at"] > 1_700_000_000_000
    assert output_of(run.folder) == "out: hello\nerr: hello\n"


def test_variants_and_results_go_both_ways_through_python(python_library, tmp_path):
    run = python_library.run(tmp_path / "data")
    id = run.calls([("place", [LEMONS, PEARS])])[0][1]["id"]

    paid, twice, cancelled, orders = run.calls(
        [
            ("place", [LEMONS, PEARS]),
            ("pay", id, {"card": "4000"}),
            ("pay", id, {"voucher": 7}),
            ("cancel", id),
            ("all",),
        ]
    )[1:]

    assert paid == ("ok", 3.75)
    assert twice == cancelled == ("err", ("wrong-state", "paid"))
    assert (orders[0]["state"], orders[0]["paid-by"]) == ("paid", ("card", "4000"))


CRASHES = {"c_library": (C_CALLS, check_c, ("contents",)), "python_library": (PYTHON_CALLS, check_python, ("all",))}


@pytest.mark.parametrize("name", CRASHES)
def test_every_prefix_is_a_legal_crash_point(name, request, tmp_path):
    calls, check, last = CRASHES[name]
    run = request.getfixturevalue(name).run(tmp_path / "whole")
    original = run.calls(calls)
    completed = indices(oplog_of(run.folder), ExportedFunctionCompleted)

    for at, copy in run.cuts(tmp_path):
        answers = run.calls([*calls, last], copy)
        known = sum(index <= at for index in completed)
        assert answers[:known] == original[:known], f"cut after entry {at}"
        check(answers)
        assert output_of(copy) == output_of(run.folder), f"cut after entry {at}"


FAILURES = {
    "c_library": (("append", "only"), "1 lines are too many"),
    "python_library": (("place", [PEARS]), "OverflowError: 1 orders are too many"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_who_aborts_fails_with_what_it_said(name, request, tmp_path):
    first, said = FAILURES[name]
    run = request.getfixturevalue(name).run(tmp_path / "data")
    assert run.calls([first, ("fail-at", 2)])[1] == 1

    with pytest.raises(InvocationFailed) as caught:
        run.calls([first, ("fail-at", 2), ("fail-at", 1)])

    assert said in caught.value.stderr
    engine = Engine.open(run.folder)
    assert engine.worker(run.worker).status is WorkerStatus.FAILED
    engine.close()


class Killed:
    """An engine process on a copy of a data folder, that is killed and started again."""

    def __init__(self, run):
        self.run, self.worker = run, run.worker
        self.clients = [engine_process(run.folder).client()]  # a thread may still use one of an engine that is gone

    @property
    def client(self):
        return self.clients[-1]

    def ask(self, key, name, *params):
        result = self.client.invoke_and_await(self.worker, self.run.function(name), list(params), key=key)
        return None if result is None else result.value

    def ask_in_vain(self, *call):
        try:
            self.ask(*call)
        except (ClientError, EngineStopped):
            return
        raise AssertionError("the engine answered")

    def kill(self):
        kill_local(self.run.folder)
        self.clients.append(engine_process(self.run.folder).client())

    def close(self):
        for client in self.clients:
            client.close()
        stop_local(self.run.folder)


# Calls whose answers tell what is kept, and one that takes long, by its milliseconds.
KILLS = {
    "c_library": ([("append", "one"), ("draw",)], "nap", ("contents",)),
    "python_library": ([("place", [PEARS]), ("raffle", 1)], "think", ("winners",)),
}


@pytest.mark.parametrize("name", KILLS)
def test_kills_between_calls_and_within_one_lose_nothing(name, request, tmp_path):
    calls, long, last = KILLS[name]
    killed = Killed(request.getfixturevalue(name).run(tmp_path / "data"))
    try:
        answers = []
        for number, call in enumerate(calls):
            answers.append(killed.ask(f"k{number}", *call))
            killed.kill()
        before = killed.ask("before", *last)
        waiting = threading.Thread(target=killed.ask_in_vain, args=("long", long, 1500), daemon=True)
        waiting.start()
        until(lambda: killed.client.worker(killed.worker).status is WorkerStatus.RUNNING)

        killed.kill()

        waiting.join(10)
        assert killed.ask("long", long, 1500) is None
        assert killed.ask("after", *last) == before
        assert [killed.ask(f"k{number}", *call) for number, call in enumerate(calls)] == answers
    finally:
        killed.close()
