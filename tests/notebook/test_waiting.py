import re
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from golem_nb.errors import InvocationFailed, NotSupported, WorkerNotFound
from golem_nb.model import EventType, WorkerEvent
from golem_nb.notebook import terminal, waiting
from golem_nb.notebook.surroundings import Place, Surroundings
from golem_nb.notebook.waiting import Waiting
from tests.notebook.conftest import LEDGER
from tests.notebook.fake import ALICE, AT, metadata

HOST = LEDGER.with_name("host.wat")


def out(text):
    return WorkerEvent(EventType.STDOUT, AT, f"{text}\n")


def begin(key="k"):
    return WorkerEvent(EventType.INVOCATION_START, AT, "f", None, {"idempotencyKey": key})


def end(key="k"):
    return WorkerEvent(EventType.INVOCATION_FINISHED, AT, "f", None, {"idempotencyKey": key})


class Client:
    """Gives `events`, then keeps the stream open; or fails as told."""

    def __init__(self, *events, failures=()):
        self.given, self.failures, self.closed = events, list(failures), threading.Event()

    @contextmanager
    def _stream(self):
        yield self

    def events(self, worker):
        if self.failures:
            raise self.failures.pop(0)
        opened = self._stream()
        opened.close = self.closed.set
        return opened

    def __iter__(self):
        yield from self.given
        self.closed.wait(10)

    def close(self):
        self.closed.set()

    def worker(self, worker):
        return metadata(retry_count=2)


@pytest.fixture
def wait(monkeypatch):
    """Return what makes a Waiting in a place, and the bundles that were published."""
    published = []
    monkeypatch.setattr(waiting, "publish", lambda bundle, id, update: published.append(bundle["text/plain"]))

    def make(client, place=Place.HEADLESS, is_new=False):
        monkeypatch.setattr(Surroundings, "place", place)
        surroundings = Surroundings(SimpleNamespace())
        made = Waiting(
            surroundings,
            client,
            ALICE,
            name="shop/alice",
            call="f()",
            key="k",
            is_new=is_new,
            most_lines=make.most_lines,
        )
        return made

    make.published, make.most_lines = published, 500
    return make


def test_output_of_this_invocation_is_printed_and_no_other(wait, capsys):
    with wait(Client(begin("old"), out("before"), end("old"), begin(), out("one"), out("two"), end(), out("later"))):
        pass

    assert capsys.readouterr().out == "[STDOUT  ] one\n[STDOUT  ] two\n"


def test_attempts_that_failed_are_printed_too(wait, capsys):
    with wait(Client(begin(), out("first"), end(), begin(), out("second"), end())):
        pass

    assert "first" in (printed := capsys.readouterr().out) and "second" in printed


def test_a_terminal_has_times(wait, capsys):
    with wait(Client(begin(), out("one"), end()), Place.TERMINAL):
        pass

    assert re.fullmatch(r"\[\d\d:\d\d:\d\d\.\d{3}\] \[STDOUT  \] one\n", capsys.readouterr().out)


def test_a_worker_that_the_call_makes_is_connected_to_when_it_is_there(wait, capsys):
    client = Client(begin(), out("one"), end(), failures=[WorkerNotFound(ALICE)])
    with wait(client, is_new=True) as shown:
        while shown._stream is None:
            pass

    assert capsys.readouterr().out == "[STDOUT  ] one\n"


def test_a_server_without_events_is_no_failure(wait, capsys):
    with wait(Client(failures=[NotSupported("no")] * 2)):
        pass

    assert capsys.readouterr().out == ""


def test_output_before_a_failure_is_printed(wait, capsys):
    with pytest.raises(InvocationFailed), wait(Client(begin(), out("one"), end())):
        raise InvocationFailed("trap")

    assert capsys.readouterr().out == "[STDOUT  ] one\n"


def test_many_lines_are_cut_and_counted(wait, capsys, monkeypatch):
    wait.most_lines = 2
    with wait(Client(begin(), *[out(n) for n in range(5)], end())):
        pass

    assert capsys.readouterr().out.splitlines()[1:] == [
        "[STDOUT  ] 1",
        "[STREAM  ] 3 more lines; %golem_oplog shop/alice --kind Log has all",
    ]


def test_no_thread_prints_when_the_cell_is_over(wait, capsys):
    with wait(Client(begin(), out("one"))) as shown:
        pass

    assert not shown._thread.is_alive()


def test_a_reader_sees_one_line_that_tells_how_it_goes(wait, monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_S", 0.0)
    with wait(Client(begin(), end()), Place.LIVE) as shown:
        while not shown._is_told:
            pass

    assert wait.published[0].startswith("f(): ○ Idle, 0 s, 0 lines of output, 2 retries")
    assert wait.published[-1].startswith("f(): done after ")


def test_a_terminal_has_one_line_that_is_written_over(wait, monkeypatch, capsys):
    monkeypatch.setattr(waiting, "FIRST_S", 0.0)
    client = Client(begin())
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    with wait(client, Place.TERMINAL) as shown:
        while not shown._is_told:
            pass
        shown._print("output")

    written = capsys.readouterr().out.split("\r")
    assert written[1].startswith("f(): ○ Idle, 0 s")
    assert [text.strip() for text in written[-3:-1]] == ["", "output"]
    assert written[-1].startswith("f(): done after ") and written[-1].endswith("\n")


def test_a_cell_shows_what_its_worker_prints(notebook, data_folder):
    notebook.run(f"%golem_deploy host-waiting {HOST}")
    notebook.run("%golem_invoke host-waiting/w say('hello')")
    first = notebook.printed
    notebook.run("%golem_invoke host-waiting/w ticks(3, False)")
    second = notebook.printed
    notebook.run("%golem_invoke host-waiting/w say('hush') --no-stream")

    assert re.search(r"new worker host-waiting/w\n\[[\d:.]+\] \[STDOUT  \] hello\n", first)
    assert re.findall(r"tick \d", second) == ["tick 1", "tick 2", "tick 3"]
    assert notebook.printed == ""


def test_a_terminal_is_not_steered_by_what_a_worker_prints(notebook, data_folder):
    notebook.run(f"%golem_deploy host-waiting {HOST}")
    notebook.run(r"%golem_invoke host-waiting/steers say('\x1b[2Jgone')")

    assert r"\x1b[2Jgone" in notebook.printed and "\x1b" not in notebook.printed
    notebook.run("stream = %golem_connect host-waiting/steers --for 0.5")
    assert r"\x1b[2Jgone" in notebook.printed and "\x1b" not in notebook.printed


def test_a_known_key_prints_nothing_again(notebook, data_folder):
    notebook.run(f"%golem_deploy host-waiting {HOST}")
    notebook.run("%golem_invoke host-waiting/again say('hello') --key once")
    notebook.run("%golem_invoke host-waiting/again say('other') --no-stream")
    notebook.run("%golem_invoke host-waiting/again say('hello') --key once")

    assert "key once was seen before" in notebook.printed
    assert "hello" not in notebook.printed
