import asyncio
import subprocess
import sys

import pytest
from IPython.core.completer import provisionalcompleter

import golem_nb
from golem_nb.errors import ComponentNotFound, UsageError, WorkerExists, WorkerNotFound
from golem_nb.model import WorkerStatus
from golem_nb.notebook.objects import Golem, GolemComponent, GolemWorker
from tests.notebook.conftest import LEDGER


@pytest.fixture(scope="module")
def golem():
    with golem_nb.connect("memory:") as golem:
        golem.deploy("ledger", LEDGER)
        yield golem


def test_functions_are_methods_and_say_what_they_take(golem):
    worker = golem.worker("ledger/calls")

    assert worker.add(5) == 5
    assert worker.add(amount=2) == worker.call("sum") == 7
    assert {"add", "sum", "work", "oplog"} <= set(dir(worker))
    assert "add(amount: u32) -> u32" in repr(worker)


def test_a_worker_tells_its_state_and_its_past(golem):
    worker = golem.component("ledger").worker("past")
    with pytest.raises(WorkerNotFound, match=r"^Worker not found: ledger/past"):
        _ = worker.status
    with pytest.raises(WorkerNotFound, match=r"^Worker not found: ledger/past"):
        worker.fork("other")
    worker.add(1)
    with pytest.raises(WorkerExists, match="ledger/past"):
        worker.launch()

    assert worker.status is WorkerStatus.IDLE
    assert worker.oplog()["kind"].iloc[0] == "Create"
    assert len(worker.oplog(first=2, count=1)) == 1
    assert len(worker.oplog(query="add")) >= 1
    stream = worker.events()
    assert stream.wait(lambda event: event.type == "InvocationFinished", 10)
    stream.close()


def test_a_worker_is_steered(golem):
    worker = golem.component("ledger").worker("steered").launch(env={"A": "1"})
    worker.add(1)
    worker.add(2)

    fork = worker.fork("copy")
    worker.revert(invocations=1)
    worker.crash()
    worker.interrupt()

    assert (fork.sum(), worker.sum(), dict(worker.metadata.env)) == (3, 1, {"A": "1"})
    fork.delete()
    with pytest.raises(WorkerNotFound):
        _ = fork.metadata
    with pytest.raises(UsageError, match="how far back"):
        worker.revert()


def test_all_of_it_can_be_awaited(golem):
    async def main():
        worker = await golem.aio.worker("ledger/awaited")
        sums = await asyncio.gather(*(worker.aio.add(1) for _ in range(12)))
        keyed = [await worker.aio.add.options(key="k")(5) for _ in range(2)]
        async for event in worker.aio.events():
            return sorted(sums), keyed, event.type, await worker.aio.status

    assert asyncio.run(main()) == (list(range(1, 13)), [17, 17], "InvocationStart", WorkerStatus.IDLE)


def test_the_same_bytes_again_are_no_new_version(golem):
    first, again = golem.deploy("same", LEDGER), golem.deploy("same", LEDGER)
    from_bytes, with_files = golem.deploy("same", first.wasm()), golem.deploy("same", first.wasm(), files={})

    assert [component.version for component in (first, again, from_bytes, with_files)] == [0, 0, 0, 1]
    with_files.delete()


def test_lists_are_frames(golem):
    golem.worker("ledger/listed").add(1)

    assert "ledger" in set(golem.components["component"])
    assert "listed" in set(golem.workers()["worker"]) & set(golem.component("ledger").workers()["worker"])


def test_what_is_missing_is_told_with_what_is_near(golem):
    with pytest.raises(ComponentNotFound, match="did you mean ledger"):
        golem.component("leger")
    with pytest.raises(UsageError, match="write component/worker"):
        golem.worker("ledger")
    with pytest.raises(AttributeError, match="did you mean sum"):
        golem.worker("ledger/w").sun()
    with pytest.raises(AttributeError, match=r"\.worker\(name\)"):
        golem.component("ledger").add(1)


def test_importing_and_connecting_needs_neither_ipython_nor_pandas():
    code = (
        "import golem_nb, sys; golem_nb.connect('http://127.0.0.1:9'); print({'IPython', 'pandas'} & set(sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_magics_return_what_can_be_used(notebook, ledger):
    notebook.run(f"%golem_invoke {ledger}/w add(5)")

    card, component = notebook.run("%golem"), notebook.run(f"%golem_components {ledger}")
    worker = notebook.run(f"%golem_worker {ledger}/w")

    assert (type(card), type(component), type(worker)) == (Golem, GolemComponent, GolemWorker)
    assert "default" not in card.text() and card.url.startswith("http://127.0.0.1:")
    assert worker.add(2) == component.worker("w").sum() == card.worker(f"{ledger}/w").sum() == 7
    assert "last oplog index  4" in worker.text()  # as it was when it was shown
    assert set(worker._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_tab_completes_the_functions_of_a_worker(notebook, ledger):
    notebook.run(f"w = %golem_worker {ledger}/w new")
    completer = notebook.shell.Completer
    with provisionalcompleter():
        found = {completion.text for completion in completer.completions("w.", 2)}

    assert {"add", "sum", "work"} <= {text.rpartition(".")[2] for text in found}
