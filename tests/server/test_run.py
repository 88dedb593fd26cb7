"""The engine process as others see it: its lock file, its signals, its end."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.client.remote import RemoteClient
from golem_nb.model import WorkerId, WorkerStatus
from tests.engine.conftest import COUNTER


class Process:
    def __init__(self, folder, *options):
        command = [sys.executable, "-m", "golem_nb", "serve", "--data-dir", str(folder), "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.folder = folder
        self.url = self.process.stdout.readline().split()[-1]

    def end(self, number=signal.SIGTERM):
        """Send a signal; return the exit status and what was printed on stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def lock(self):
        return json.loads((self.folder / "engine.json").read_text())


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*options):
        started.append(Process(tmp_path / "data", *options))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.end(signal.SIGKILL)
        process.process.stdout.close()
        process.process.stderr.close()


def test_the_lock_file_says_where_the_engine_is_and_only_to_its_owner(start):
    process = start("--token", "secret")
    lock = process.lock()

    assert lock["pid"] == process.process.pid
    assert process.url == f"http://127.0.0.1:{lock['port']}"
    assert lock["token"] == "secret"
    assert (process.folder / "engine.json").stat().st_mode & 0o777 == 0o600
    process.end()
    assert not (process.folder / "engine.json").exists()


def test_an_open_engine_says_so_in_one_line(start):
    status, errors = start().end()

    assert status == 0
    assert errors.splitlines()[0] == "golem_nb: open to every user of this machine; --token restricts it"


def test_a_second_engine_is_refused(start):
    process = start()
    run = subprocess.run(
        [sys.executable, "-m", "golem_nb", "serve", "--data-dir", str(process.folder), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert run.returncode == 2
    assert "another engine uses the data folder" in run.stderr.splitlines()[-1]
    assert httpx.get(f"{process.url}/healthcheck").status_code == 200


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = subprocess.run(
            [sys.executable, "-m", "golem_nb", "serve", "--data-dir", str(tmp_path), "--port", port],
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert run.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in run.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_what_runs_and_closes(start, number):
    process = start()
    client = RemoteClient(process.url)
    worker = WorkerId(client.create_component("counter", component_from_text(COUNTER)).id, "w")
    client.invoke_and_await(worker, "inc", [5])
    answers = []
    busy = threading.Thread(target=lambda: answers.append(client.invoke_and_await(worker, "inc", [2]).value))
    busy.start()
    busy.join()

    status, _ = process.end(number)

    assert (status, answers) == (0, [7])
    client.close()


def test_a_killed_engine_loses_nothing_that_was_answered(start):
    process = start("--durability", "process")
    client = RemoteClient(process.url)
    worker = WorkerId(client.create_component("counter", component_from_text(COUNTER)).id, "w")
    for _ in range(10):
        answer = client.invoke_and_await(worker, "inc", [1]).value
    client.close()
    process.end(signal.SIGKILL)

    process = start()
    client = RemoteClient(process.url)

    assert client.invoke_and_await(worker, "get", []).value == answer == 10
    client.close()


def test_what_a_signal_cuts_off_goes_on_at_the_next_start(start):
    process = start()
    client = RemoteClient(process.url)
    worker = WorkerId(client.create_component("counter", component_from_text(COUNTER)).id, "w")
    client.invoke(worker, "spin", [])
    client.close()
    begin = time.monotonic()
    status, _ = process.end()
    assert (status, time.monotonic() - begin < 10) == (0, True)

    client = RemoteClient(start().url)

    assert client.worker(worker).status is WorkerStatus.RUNNING
    client.close()


def test_an_idle_engine_ends_itself(start):
    process = start("--idle-exit", "0.02")
    _, errors = process.process.communicate(timeout=30)

    assert process.process.returncode == 0
    assert "the engine ends itself" in errors


def test_an_imported_worker_survives_a_kill_right_after_the_answer(start):
    process = start()
    client = RemoteClient(process.url)
    worker = WorkerId(client.create_component("counter", component_from_text(COUNTER)).id, "w")
    for _ in range(10):
        client.invoke_and_await(worker, "inc", [1])
    workers = f"{process.url}/v1/x/components/{worker.component_id}/workers"
    file = httpx.get(f"{workers}/w/export").content

    imported = httpx.post(f"{workers}/copy/import", content=file)
    process.end(signal.SIGKILL)

    assert imported.status_code == 200
    client.close()
    client = RemoteClient(start().url)
    copy = WorkerId(worker.component_id, "copy")
    assert client.invoke_and_await(copy, "get", []).value == 10
    client.close()
