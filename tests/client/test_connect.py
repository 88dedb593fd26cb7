import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from golem_nb import __version__
from golem_nb.client import connect as connecting
from golem_nb.client.connect import (
    attach_local,
    connect,
    default_folder,
    ended_how,
    engine_process,
    kill_local,
    running_engine,
    still_runs,
    stop_local,
)
from golem_nb.client.local import LocalClient
from golem_nb.client.remote import RemoteClient
from golem_nb.errors import BadInput, ClientError, DataFolderUnsuitable, EngineFailedToStart
from golem_nb.model import WorkerId
from golem_nb.wasm.text import wasm_from_text
from golem_nb.wire.lock import LOCK_NAME, LOG_NAME, EngineLock, text_from_lock
from tests.engine.conftest import COUNTER


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    stop_local(tmp_path / "data")


def test_an_address_decides_the_client(tmp_path):
    for target, kind in (("memory:", LocalClient), (tmp_path, LocalClient), ("HTTP://127.0.0.1:1", RemoteClient)):
        client = connect(target)
        assert isinstance(client, kind)
        client.close()


@pytest.mark.parametrize("address", ["ws://golem.example", "golem://golem.example", "http://"])
def test_an_address_that_is_none_is_no_folder(address, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BadInput, match="not the address of a server"):
        connect(address)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_users_unless_given(monkeypatch, tmp_path):
    monkeypatch.setenv("GOLEM_NB_DIR", str(tmp_path))
    assert default_folder() == tmp_path

    monkeypatch.delenv("GOLEM_NB_DIR")
    assert default_folder().parts[-2:] == ("golem-nb", "default")


def test_an_engine_is_started_once_and_shared(folder):
    first = engine_process(folder)
    second = engine_process(folder)

    assert (first.is_new, second.is_new, first.lock) == (True, False, second.lock)
    assert first.lock.version == __version__
    assert len(first.lock.token) == 36
    assert os.getsid(first.lock.pid) == first.lock.pid


def test_an_engine_that_was_found_before_is_known_to_run_until_it_does_not(folder):
    first = engine_process(folder).lock
    assert still_runs(folder, first)
    assert not still_runs(folder, replace(first, token="of another one"))

    kill_local(folder)
    assert not still_runs(folder, first)
    second = engine_process(folder).lock
    assert (still_runs(folder, first), still_runs(folder, second)) == (False, True)


def test_an_engine_outlives_its_clients(folder):
    client = attach_local(folder)
    worker = WorkerId(client.create_component("counter", wasm_from_text(COUNTER)).id, "w")
    client.invoke_and_await(worker, "inc", [5])
    client.close()

    client = attach_local(folder)
    assert client.invoke_and_await(worker, "get", []).value == 5
    client.close()


def test_a_killed_engine_is_started_again_and_the_reason_is_told(folder):
    first = engine_process(folder)
    assert kill_local(folder)
    assert running_engine(folder) is None

    second = engine_process(folder)

    assert second.lock.pid != first.lock.pid
    assert f"process {first.lock.pid}" in second.note
    assert second.note.endswith("its log does not say why")


def test_of_the_log_only_what_the_dead_engine_wrote_is_told(folder):
    engine_process(folder)
    kill_local(folder)
    with (folder / LOG_NAME).open("a") as log:
        log.write("MemoryError\n")

    assert engine_process(folder).note.endswith("the end of its log:\nMemoryError")


def test_stopping_is_waited_for_and_leaves_no_lock(folder):
    engine = engine_process(folder)

    assert stop_local(folder)

    with pytest.raises(ProcessLookupError):
        os.kill(engine.lock.pid, 0)
    assert not (folder / LOCK_NAME).exists()
    assert not stop_local(folder)
    assert not kill_local(folder)


@pytest.mark.parametrize(
    ("code", "told"), [(2, "with exit code 2"), (-11, "by signal 11 (SIGSEGV)"), (-99, "by signal 99")]
)
def test_an_end_is_told_by_its_exit_code_or_signal(code, told):
    assert ended_how(code) == told


def test_an_engine_that_cannot_start_shows_the_end_of_its_log(folder):
    folder.mkdir()
    (folder / "golem.db").write_bytes(b"no database" * 1000)

    with pytest.raises(EngineFailedToStart, match=r"with exit code 2: .*cannot be used as a database"):
        engine_process(folder)


def test_a_process_that_only_has_the_number_of_an_engine_is_left_alone(folder):
    folder.mkdir()
    (folder / LOCK_NAME).write_text(text_from_lock(EngineLock(os.getpid(), 1, "", __version__)))

    assert not kill_local(folder)
    assert running_engine(folder) is None


class Other:
    """Another server at a port that an engine once had: it answers everything, and notes what it is sent."""

    def __init__(self, status, version):
        self.headers, outer = [], self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.headers.append(str(self.headers))
                body = json.dumps({"version": version}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.mark.parametrize(("status", "version"), [(200, "1.5.9"), (200, None), (404, ""), (403, ""), (302, "")])
def test_another_server_at_an_engines_port_is_no_engine_and_gets_no_token(folder, status, version):
    folder.mkdir()
    other = Other(status, version)
    lock = EngineLock(os.getpid(), other.server.server_port, "very-secret", __version__)
    (folder / LOCK_NAME).write_text(text_from_lock(lock))

    assert running_engine(folder) is None
    assert not kill_local(folder)
    other.server.shutdown()
    other.server.server_close()
    assert other.headers
    assert "very-secret" not in "".join(other.headers)


def test_an_engine_of_another_version_is_told_of(folder, monkeypatch):
    engine_process(folder)
    monkeypatch.setattr(connecting, "__version__", "9.9.9")

    with pytest.raises(ClientError, match="%golem stop"):
        engine_process(folder)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(DataFolderUnsuitable):
        engine_process(tmp_path / "file" / "data")


def test_two_that_start_an_engine_at_once_share_it(folder):

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: engine_process(folder), range(3)))

    assert len({engine.lock.pid for engine in found}) == 1
    deadline = time.monotonic() + 5
    while running_engine(folder) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sum(engine.is_new for engine in found) == 1


def test_an_engine_keeps_the_rules_about_the_network_that_it_was_started_with(folder):
    rules = ("--allow-host", "example.org", "--deny-private")
    first = engine_process(folder, rules)

    assert first.lock.options == rules
    assert engine_process(folder, rules).lock == engine_process(folder).lock == first.lock
    with pytest.raises(ClientError, match=r"runs with --allow-host example\.org --deny-private; end"):
        engine_process(folder, ["--no-network"])


def test_an_address_without_its_beginning_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BadInput, match="did you mean http://localhost:9881"):
        connect("localhost:9881")
    assert not list(tmp_path.iterdir())
