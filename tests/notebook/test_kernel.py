"""What only a real kernel shows: widgets and their end, the interrupt button, completion over the protocol."""

import time

import pytest
from jupyter_client.manager import start_new_kernel

from golem_nb.client.connect import stop_local
from tests.notebook.conftest import LEDGER

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")]
WIDGET = "application/vnd.jupyter.widget-view+json"


class Kernel:
    """A kernel with somebody in front of it: it may ask for input, as JupyterLab lets it."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def run(self, code, interrupt_after_s=None):
        """Return the cell's messages, until it is idle."""
        request = self.client.execute(code, allow_stdin=True)
        if interrupt_after_s is not None:
            time.sleep(interrupt_after_s)
            self.manager.interrupt_kernel()
        return self.messages(request)

    def messages(self, request):
        found = []
        while True:
            message = self.client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") == request:
                found.append(message)
                if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                    return found

    def wait_for(self, msg_type):
        while True:
            message = self.client.get_iopub_msg(timeout=30)
            if message["msg_type"] == msg_type:
                return message["content"]


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLEM_NB_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "run"))
    manager, client = start_new_kernel(kernel_name="python3")
    made = Kernel(manager, client)
    made.run(f"%load_ext golem_nb\n%golem_deploy ledger {LEDGER}")
    yield made
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    stop_local(tmp_path / "data")


def of_type(messages, msg_type):
    return [message["content"] for message in messages if message["msg_type"] == msg_type]


def test_a_reader_gets_a_pane_which_becomes_plain_html_when_it_is_closed(kernel):
    kernel.run("%golem_invoke ledger/w add(1)")
    shown, stored = of_type(kernel.run("events = %golem_connect ledger/w"), "display_data")

    kernel.client.execute("events.wait(lambda e: e.type == 'InvocationFinished', 10); events.close()", allow_stdin=True)
    swapped, emptied = kernel.wait_for("update_display_data"), kernel.wait_for("update_display_data")

    assert (WIDGET in shown["data"], WIDGET in stored["data"]) == (True, False)
    assert (emptied["transient"], emptied["data"]["text/html"]) == (stored["transient"], "")
    assert swapped["transient"] == shown["transient"]
    assert WIDGET not in swapped["data"]
    assert "[INVOKE  ] STARTED  add" in swapped["data"]["text/plain"]


@pytest.mark.parametrize(("magic", "shown"), [("connect ledger/w", "events of"), ("workers --watch", "board of")])
def test_what_goes_on_is_shown_with_its_cell_and_by_its_name_in_later_ones(kernel, magic, shown):
    kernel.run("%golem_invoke ledger/w add(1)")
    kernel.run(f"live = %golem_{magic}")
    asked = "".join(content["text"] for content in of_type(kernel.run("live"), "stream"))
    twice = kernel.run(f"%golem_{magic}")

    assert asked.startswith(f"{shown} ")
    assert of_type(twice, "stream") == []


def test_interrupting_ends_the_wait_and_says_how_to_go_on(kernel):
    (error,) = of_type(kernel.run("%golem_invoke ledger/w work(2000000000, 1)", interrupt_after_s=0.4), "error")
    again = "%golem_invoke ledger/w work(2000000000, 1) --key "

    assert error["ename"] == "WaitTimeout"
    assert "the worker goes on" in error["evalue"] and again in error["evalue"]
    assert len(error["traceback"]) == 1


def test_a_reader_sees_output_and_how_it_goes_while_a_call_is_waited_for(kernel):
    kernel.run(f"%golem_deploy host {LEDGER.with_name('host.wat')}")
    kernel.run("%golem_invoke host/w say('first')")
    printed = kernel.run("%golem_invoke host/w say('hello')")
    waited = kernel.run("%golem_invoke host/w sleep(1200)")
    told = of_type(waited, "display_data") + of_type(waited, "update_display_data")

    assert [message["text"] for message in of_type(printed, "stream")] == ["[STDOUT  ] hello\n"]
    assert told[0]["data"]["text/plain"].startswith("sleep(1200): ")
    assert told[-1]["data"]["text/plain"].startswith("sleep(1200): done after 1.")
    assert {message["transient"]["display_id"] for message in told} == {told[0]["transient"]["display_id"]}


def test_the_interrupt_is_for_the_notebook_and_not_for_the_engine(kernel):
    kernel.run("%golem_invoke ledger/w add(1)")
    kernel.run("import time; time.sleep(5)", interrupt_after_s=0.5)

    assert of_type(kernel.run("%golem_invoke ledger/w add(1)"), "execute_result")[0]["data"]["text/plain"] == "2"


def test_the_engine_outlives_the_kernel(kernel, tmp_path):
    kernel.run("%golem_invoke ledger/w add(1)")

    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=60)
    kernel.run("%load_ext golem_nb")

    assert of_type(kernel.run("%golem_invoke ledger/w add(1)"), "execute_result")[0]["data"]["text/plain"] == "2"
