import pytest

from golem_nb.host import config
from tests.host.context import FakeWorker, call


@pytest.mark.parametrize("kind", [config.Store, config.Runtime])
def test_a_worker_sees_what_it_was_configured_with(kind):
    store = kind(FakeWorker(config={"mode": "dry", "depth": "3"}))

    assert call(store, "get", key="mode") == "dry"
    assert call(store, "get", key="Mode") is None
    assert call(store, "get_all") == [("mode", "dry"), ("depth", "3")]
