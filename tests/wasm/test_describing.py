import pytest

from golem_nb.host.cli import Environment
from golem_nb.host.clocks import WallClock
from golem_nb.host.declare import Trap
from golem_nb.host.golem_host import GolemHost
from golem_nb.host.random import Random
from golem_nb.wasm import describing
from golem_nb.wasm.describing import DescribingHost


@pytest.fixture
def host():
    return DescribingHost()


def ask(host, interface, name, **arguments):
    return host.call(getattr(interface, name), host.interface(interface), arguments)


def test_what_a_module_reads_is_answered(host):
    assert ask(host, WallClock, "now")["seconds"] > 1_700_000_000
    assert len(ask(host, Random, "get_random_bytes", len=8)) == 8
    assert ask(host, Environment, "get_environment") == []


def test_what_needs_a_worker_is_refused_with_its_name(host):
    with pytest.raises(Trap, match=r"create_promise needs a worker: call it in a function"):
        ask(host, GolemHost, "create_promise")


def test_loading_has_a_time_limit(host, monkeypatch):
    assert host.stop() is None

    monkeypatch.setattr(describing, "TIME_LIMIT_S", -1.0)
    assert "takes over" in str(DescribingHost().stop())
