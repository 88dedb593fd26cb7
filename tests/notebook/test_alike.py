"""One walk through all magics, over the engine in this process, that of this machine, and a server elsewhere."""

import pytest

from golem_nb.client.connect import running_engine
from golem_nb.errors import NotSupported, UsageError
from tests.engine.test_shadows import DICE
from tests.notebook.conftest import LEDGER
from tests.server.conftest import TOKEN, Access, Running


@pytest.fixture(params=["memory", "local", "remote"])
def place(request, notebook, tmp_path, monkeypatch):
    """Choose the server; return its kind."""
    match request.param:
        case "memory":
            notebook.run("%golem local --dir memory:")
            yield "memory"
        case "local":
            notebook.run(f"%golem local --dir {tmp_path / 'data'}")
            yield "local"
            notebook.run("%golem stop")
        case "remote":
            server = Running(Access(tokens=frozenset({TOKEN})))
            monkeypatch.setenv("GOLEM_TOKEN", TOKEN)
            notebook.run(f"%golem remote http://127.0.0.1:{server.port}")
            yield "remote"
            notebook.run("%golem local")
            server.close()


def test_the_magics_behave_alike(notebook, place, tmp_path):
    run = notebook.run
    run(f"%golem_deploy ledger {LEDGER}")
    run("%%golem_deploy dice\n" + DICE.replace("{start}", "0"))
    assert run("%golem_components")["component"].tolist() == ["ledger", "dice"]

    assert run("%golem_invoke ledger/w add(5)") == 5
    assert "new worker ledger/w" in notebook.printed
    assert run("%golem_invoke ledger/w add(7) --key k") == 12
    assert run("%golem_invoke ledger/w add(7) --key k") == 12
    assert run("%golem_invoke ledger/w add(3) --wave") == "15"
    calls = run("%%golem_invoke ledger/w\nadd(1)\nx = sum()")
    assert (calls["result"].tolist(), notebook.names["x"]) == ([16, 16], 16)
    drawn = run("%golem_invoke dice/d draw()")

    assert run("%golem_workers ledger --status Idle")["worker"].tolist() == ["w"]
    log = run("%golem_oplog ledger/w")
    assert log.golem.invocations()["result"].tolist() == [5, 12, 15, 16, 16]
    assert len(run("%golem_oplog ledger/w --query add")) < len(log)
    assert "InvocationFinished" in run("%golem_connect ledger/w --for 1").df["type"].tolist()

    assert run("%golem_crash ledger/w").replayed == 10
    assert run("%golem_crash dice/d draw() --at-call random").died_at is not None
    assert run("%golem_crash ledger/w add(1) --everywhere").is_safe
    assert run("%golem_crash ledger/w --no-recover").replayed is None
    assert run("%golem_invoke ledger/w sum()") == 16

    assert run("%golem_replay ledger/w --check").is_same
    assert run("%golem_invoke ledger/w sum() --at 4") == 5
    assert run("%golem_replay dice/d --override 4=7").is_same is False

    assert run("%golem_worker ledger/w fork v --at 4").status == "Idle"
    assert run("%golem_invoke ledger/v sum()") == 5
    assert run("%golem_oplog ledger/w --diff ledger/v").is_same is False
    run("%golem_worker ledger/v revert --last 1")
    run(f"%golem_worker ledger/w export {tmp_path / 'w.golem-worker'}")
    run(f"%golem_worker ledger/u import {tmp_path / 'w.golem-worker'}")
    assert run("%golem_invoke ledger/u sum()") == 16
    run("%golem_worker ledger/u delete --yes")
    assert sorted(run("%golem_workers ledger")["worker"]) == ["v", "w"]
    assert run("%golem_worker dice/d").status == "Idle"
    assert run("%golem_invoke dice/d tell()") != drawn
    with pytest.raises(UsageError, match="takes 1 argument, found 2"):
        run("%golem_invoke ledger/w add(1, 2)")

    if place == "memory":
        with pytest.raises(NotSupported, match="sends no JSON"):
            run("%golem_invoke ledger/w sum() --json")
    else:
        assert run("%golem_invoke ledger/w sum() --json")["result"]["value"] == 16


def test_the_engine_in_this_process_is_chosen_and_left(notebook, data_folder):
    card = notebook.run("%golem local --dir memory:")
    notebook.run(f"%golem_deploy ledger {LEDGER}")
    notebook.run("%golem_invoke ledger/w add(5)")
    before = running_engine(data_folder)

    assert "in this process" in card.text()
    assert notebook.run("%golem local --dir memory:") and notebook.run("%golem_invoke ledger/w sum()") == 5
    other = "--env-id 00000000-0000-0000-0000-000000000002"
    assert len(notebook.run(f"%golem_components {other}")) == 0
    assert notebook.run("%golem_invoke ledger/w sum()") == 5  # the engine is still there
    for line, told in (("%golem_crash --engine", "in this process"), ("%golem local --dir memory: --port 5", "--port")):
        with pytest.raises(UsageError, match=told):
            notebook.run(line)
    notebook.run("%golem stop")
    assert "its workers are gone" in notebook.printed
    assert len(notebook.run("%golem_components")) == 0
    notebook.run("%config GolemMagics.target = 'memory:'")
    assert "in this process" in notebook.run("%golem").text()
    assert running_engine(data_folder) == before
