import socket

import pytest

from golem_nb.client.connect import running_engine
from golem_nb.errors import ClientError, ComponentNotFound, Unauthorized, UsageError
from tests.notebook.conftest import LEDGER


def test_the_card_starts_nothing(notebook, data_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLEM_NB_DIR", str(tmp_path / "other"))

    card = notebook.run("%golem")

    assert "does not run" in card.text()
    assert not (tmp_path / "other").exists()


def test_local_starts_the_engine_of_a_folder_and_stop_ends_it(notebook, tmp_path):
    folder = tmp_path / "mine"

    card = notebook.run(f"%golem local --dir {folder}")
    running = running_engine(folder)
    notebook.run("%golem stop")

    assert str(running.pid) in card.text()
    assert running.token not in card.text() + card.html()
    assert running_engine(folder) is None
    assert "stopped the local engine" in notebook.printed


def test_an_engine_is_started_at_a_port(notebook, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    url = notebook.run(f"%golem local --dir {tmp_path / 'mine'} --port {port}").url
    with pytest.raises(ClientError, match=f"listens at port {port}; end it"):
        notebook.run(f"%golem local --dir {tmp_path / 'mine'} --port {port - 1}")
    notebook.run(f"%golem local --dir {tmp_path / 'mine'}")
    notebook.run("%golem stop")

    assert url == f"http://127.0.0.1:{port}"
    with pytest.raises(UsageError, match="up to 65535"):
        notebook.run("%golem local --port 70000")


def test_use_sets_the_default_target(notebook, ledger):
    notebook.run(f"%golem use {ledger}/w")
    value = notebook.run("%golem_invoke add(6)")
    card = notebook.run("%golem")
    notebook.run("%golem use")

    assert value == 6
    assert f"{ledger}/w" in card.text()
    with pytest.raises(UsageError, match="which worker"):
        notebook.run("%golem_worker")


def test_use_of_a_missing_component_says_so_at_once(notebook, ledger):
    with pytest.raises(ComponentNotFound, match=f"did you mean .*{ledger}"):
        notebook.run(f"%golem use {ledger}x")


def test_a_remote_server_that_is_not_there_is_told_on_the_card(notebook):
    card = notebook.run("%golem remote http://127.0.0.1:9")
    notebook.run("%golem local")

    assert "nobody answers at http://127.0.0.1:9" in card.text()


def test_a_remote_token_is_read_and_never_shown(notebook, data_folder, monkeypatch):
    notebook.run("%golem local")
    lock = running_engine(data_folder)
    monkeypatch.setenv("SECRET", lock.token)

    card = notebook.run(f"%golem remote http://127.0.0.1:{lock.port} --token-env SECRET")
    frame = notebook.run("%golem_components")
    notebook.run("%golem local")

    assert lock.token not in card.text() + card.html()
    assert "SECRET" in card.text()
    assert "component" in frame.columns


def test_help_lists_all_and_shows_one(notebook):
    assert "%golem_oplog" in notebook.run("%golem help").text()
    assert "--from N" in notebook.run("%golem help oplog").text()
    with pytest.raises(UsageError, match="there is no magic nope"):
        notebook.run("%golem help nope")
    with pytest.raises(UsageError, match="did you mean invoke"):
        notebook.run("%golem help golem_invok")


@pytest.mark.parametrize("line", ["%golem locl", "%golem remote", "%golem stop now", "%golem use a b"])
def test_other_forms_are_refused(notebook, line):
    with pytest.raises(UsageError):
        notebook.run(line)


def test_the_rules_about_the_network_are_those_of_the_engines_start(notebook, tmp_path):
    folder = tmp_path / "fenced"

    card = notebook.run(f"%golem local --dir {folder} --deny-private --allow-host a.example --allow-host *.b.example")
    first = running_engine(folder)
    notebook.run("%golem_crash --engine")
    second = running_engine(folder)
    with pytest.raises(ClientError, match="runs with --allow-host"):
        notebook.run(f"%golem local --dir {folder} --no-network")
    notebook.run("%golem stop")

    assert first.options == ("--allow-host", "a.example", "--allow-host", "*.b.example", "--deny-private")
    assert second.options == first.options
    assert "--deny-private" in card.text()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("%golem stop --dir /elsewhere", "--dir is not for `%golem stop`"),
        ("%golem --port 5", "--port is not for `%golem status`"),
        ("%golem local --token-env T", "--token-env is not for `%golem local`"),
        ("%golem remote http://127.0.0.1:1 --dir /elsewhere", "--dir is not for `%golem remote`"),
    ],
)
def test_options_of_other_words_are_refused(notebook, line, fault):
    with pytest.raises(UsageError, match=fault):
        notebook.run(line)


@pytest.mark.parametrize(
    ("token", "told"),
    [("wrong", "does not take the token in SECRET"), (None, "wants a token, and SECRET is not set")],
)
def test_a_server_that_wants_another_token_is_told_with_what_to_do(notebook, data_folder, monkeypatch, token, told):
    notebook.run("%golem local")
    if token:
        monkeypatch.setenv("SECRET", token)

    card = notebook.run(f"%golem remote http://127.0.0.1:{running_engine(data_folder).port} --token-env SECRET")
    with pytest.raises(Unauthorized, match=f"{told}; set it with %env SECRET=…, and choose the server again"):
        notebook.run("%golem_components")
    notebook.run("%golem local")

    assert told in card.text()


def test_the_card_is_of_the_server_that_the_environment_names(notebook, monkeypatch):
    monkeypatch.setenv("GOLEM_URL", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:9 is not ours to stop"):
        notebook.run("%golem stop")
    assert "nobody answers at http://127.0.0.1:9" in notebook.run("%golem").text()

    notebook.run("%reload_ext golem_nb")
    monkeypatch.setenv("GOLEM_URL", "localhost:9")
    with pytest.raises(UsageError, match="GOLEM_URL: 'localhost:9' is no URL"):
        notebook.run("%golem")


def test_what_was_met_in_an_engine_in_this_process_goes_with_it(notebook):
    session = notebook.shell.magics_manager.registry["GolemMagics"].session
    notebook.run("%golem local --dir memory:")
    notebook.run(f"%golem_deploy short-lived {LEDGER}")
    notebook.run("%golem_invoke short-lived/w add(5)")
    assert (set(session.seen_components), session.seen_workers["short-lived"]) == ({"short-lived"}, {"w"})

    notebook.run("%golem stop")
    assert (session.seen_components, session.seen_workers) == ({}, {})
    assert "its workers are gone" in notebook.printed
    notebook.run("%golem stop")
    assert "no engine ran" in notebook.printed
