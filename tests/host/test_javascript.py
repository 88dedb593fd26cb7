from uuid import UUID

import pytest

from golem_nb.host.javascript import JavaScriptHost
from golem_nb.model import WorkerId
from tests.host.context import FakeWorker, call
from tests.host.test_golem_host import FakePeers

ME = WorkerId(UUID(int=1), "me")


@pytest.fixture
def host():
    worker = FakeWorker()
    worker.peers, worker.id = FakePeers(), ME
    worker.next_index, worker.derived_key = (lambda: 7), (lambda index: f"key-{index}")
    return JavaScriptHost(worker)


def test_a_promise_is_made_named_completed_and_read(host):
    index = call(host, "create_promise")

    assert (index, call(host, "promise_name", index=index)) == (7, f"{UUID(int=1)}/me/7")
    assert call(host, "poll_promise", index=index) is None
    assert call(host, "complete_promise", index=index, data=b"x") is True
    assert call(host, "complete_promise", index=index, data=b"y") is False
    assert call(host, "poll_promise", index=index) == call(host, "await_promise", index=index) == b"x"


def test_keys_are_text(host):
    assert call(host, "idempotency_key") == "key-7"
