import os
import subprocess
import sys

import pytest

from golem_nb.client.connect import kill_local, running_engine, stop_local
from golem_nb.errors import ClientError, ComponentNotFound, ServerUnreachable, UsageError
from golem_nb.notebook.magics.grammar import Target
from golem_nb.notebook.session import Remote, Session
from golem_nb.wasm.text import wasm_from_text


@pytest.fixture
def said():
    return []


@pytest.fixture
def session(tmp_path, monkeypatch, said):
    monkeypatch.setenv("GOLEM_NB_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("GOLEM_URL", raising=False)
    made = Session(said.append, said.append)
    yield made
    made.close()
    stop_local(tmp_path / "data")


def test_nothing_is_started_before_it_is_needed(session, tmp_path):
    assert session.engine is None
    assert not (tmp_path / "data").exists()


def test_the_first_use_starts_the_local_engine_and_says_so(session, said, tmp_path):
    session.client().components()

    assert said == [f"started the local engine; its data: {tmp_path / 'data'}"]
    session.client()
    assert len(said) == 1


def test_a_dead_engine_is_started_again_with_the_reason(session, said, tmp_path):
    session.client()
    kill_local(tmp_path / "data")

    session.client().components()

    assert any("had ended without closing" in line for line in said)


def test_what_runs_in_the_background_starts_nothing(session, tmp_path):
    session.client()
    kill_local(tmp_path / "data")

    with pytest.raises(ServerUnreachable):
        session.client_if_running()
    assert running_engine(tmp_path / "data") is None


def test_the_engine_is_killed_and_taken_up_again_without_a_word(session, said):
    session.client()
    del said[:]
    pid = session.kill_engine()
    engine = session.restart_engine()

    assert engine.lock.pid != pid
    assert said == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_stopping_what_does_not_run_is_no_error(session):
    assert not session.stop()
    with pytest.raises(ClientError, match="no engine runs"):
        session.kill_engine()


def test_a_remote_server_is_not_ours_to_kill(session, monkeypatch):
    session.use_remote(Remote("http://golem.example"))

    with pytest.raises(UsageError, match="not ours to stop"):
        session.stop()


def test_the_environment_may_name_a_server(session, monkeypatch):
    monkeypatch.setenv("GOLEM_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GOLEM_TOKEN", "very-secret")

    client = session.client()

    assert session.place == Remote("http://127.0.0.1:1", "GOLEM_TOKEN")
    assert "very-secret" not in repr(client) + repr(session.place)


def test_components_are_found_by_name_and_id_with_a_hint(session):
    made = session.client().create_component("counter", wasm_from_text("(component)"))

    assert session.component("counter").id == session.component(str(made.id)).id == made.id
    with pytest.raises(ComponentNotFound, match="did you mean counter"):
        session.component("countr")
    with pytest.raises(UsageError, match="which component"):
        session.component(None)


def test_a_bare_word_is_a_worker_only_after_use(session):
    with pytest.raises(UsageError, match="names no worker"):
        session.target("w1")
    with pytest.raises(UsageError, match="which worker"):
        session.target(None)

    session.default = Target("counter", "w0")

    assert session.target("w1") == Target("counter", "w1")
    assert session.target(None) == Target("counter", "w0")
    assert session.target("other/w") == Target("other", "w")


ENDS = """
from golem_nb.notebook.session import InProcess, Session
session = Session(print, print)
session.turn_to(InProcess())
print(session.client().components())
"""


def test_an_engine_in_a_process_that_ends_leaves_no_folder(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    ended = subprocess.run([sys.executable, "-c", ENDS], env=environment, capture_output=True, text=True, check=True)

    assert (ended.stdout, list(tmp_path.glob("golem-nb-*"))) == ("[]\n", [])
