"""A component with sockets, and what the policy about the network makes of it."""

import socket
import threading
import time

import pytest

from golem_nb.authoring.wat import component_from_text
from golem_nb.engine.engine import Engine
from golem_nb.engine.options import policy_from_options
from golem_nb.engine.settings import Settings
from golem_nb.errors import InvocationInterrupted
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId
from golem_nb.oplog.entries import Error, ImportedFunctionInvoked
from tests.components.test_components import HERE, Run
from tests.engine.conftest import until
from tests.host.socket_peers import TcpServer
from tests.script import ADD, TELL, Outside, script, steps

ACCESS_DENIED, CONNECTION_REFUSED, NAME_UNRESOLVABLE = 1, 14, 18  # of the WIT's error-code
WITHIN_S = 0.1 + 0.15  # what is promised, and what a busy machine adds


class LateServer(TcpServer):
    """It takes its time: with each connection more."""

    def _serve(self, taken):
        time.sleep(0.15 * (len(self.taken) - 1))
        super()._serve(taken)


class Datagrams:
    """Gives datagrams back, and keeps them."""

    def __init__(self):
        self.received = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.02)
        self.port = self._socket.getsockname()[1]
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._is_closed:
            try:
                data, sender = self._socket.recvfrom(1 << 16)
            except TimeoutError:
                continue
            self.received.append(data)
            self._socket.sendto(data, sender)

    def close(self):
        self._is_closed = True
        self._thread.join()
        self._socket.close()


@pytest.fixture(params=[TcpServer, LateServer])
def server(request):
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def deaf():
    made = TcpServer(echoes=False)
    yield made
    made.close()


@pytest.fixture
def datagrams():
    made = Datagrams()
    yield made
    made.close()


@pytest.fixture
def outside():
    made = Outside()
    yield made
    made.close()


class Bench:
    """A worker of the sockets component."""

    def __init__(self, **options):
        nothing = {"is_on": True, "allowed": [], "denies_private": False, "listens_anywhere": False}
        self.engine = Engine.open("memory:", Settings(network=policy_from_options(**(nothing | options))))
        self.worker = self.deployed(component_from_text((HERE / "sockets.wat").read_text()))

    def deployed(self, wasm):
        component = self.engine.create_component(LOCAL_ENVIRONMENT, f"c{len(wasm)}", wasm)
        return WorkerId(component.id, "w")

    def start(self, function, *params, worker=None):
        return self.engine.invoke_and_await(worker or self.worker, function, list(params), None)

    def call(self, function, *params):
        return self.start(function, *params).result(20).value

    def entries(self, kind, worker=None):
        return [e for _, e in self.engine.oplog(worker or self.worker).entries if isinstance(e, kind)]


@pytest.fixture
def bench():
    benches = []

    def made(**options):
        benches.append(Bench(**options))
        return benches[-1]

    yield made
    for one in benches:
        one.engine.close()


def test_every_prefix_of_talks_is_a_legal_crash_point(tmp_path, server, datagrams):
    """What is recorded was answered, and is told the other side again: sockets are not durable."""
    run = Run(tmp_path / "whole", "sockets")
    calls = [("tcp", server.port, "first"), ("lookup", "localhost"), ("udp", datagrams.port, "second")]
    original = run.calls(calls)
    assert [original[0], original[2]] == [("ok", "first"), ("ok", "second")]
    assert run.labels().count("sockets::ip_name_lookup::resolve_addresses") == 1

    for at, copy in run.cuts(tmp_path):
        assert run.calls(calls, copy) == original, f"cut after entry {at}"

    assert server.received == b"first" * len(server.taken)
    assert len(server.taken) > 1
    assert set(datagrams.received) == {b"second"}


def test_failures_are_codes(bench):
    free = bench()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    assert free.call("tcp", port, "x") == ("err", CONNECTION_REFUSED)
    assert free.call("udp", port, "x") == ("err", CONNECTION_REFUSED)
    assert free.call("lookup", "a b")[0] == "err"


def test_a_lookup_is_answered_from_the_record(bench, monkeypatch):
    free = bench()
    answers = [["10.0.0.1", "10.0.0.2", "fd00::1"]]
    monkeypatch.setattr("golem_nb.host.sockets.looked_up", lambda name: answers.pop())

    assert free.call("lookup", "some.example") == ("ok", 3)
    free.engine.crash_worker(free.worker)
    assert free.call("lookup", "127.0.0.1") == ("ok", 1)  # it has replayed

    (looked_up, _) = free.entries(ImportedFunctionInvoked)
    assert looked_up.request.typed().value == "some.example"
    assert looked_up.response.typed().value == ("ok", ["10.0.0.1", "10.0.0.2", "fd00::1"])


def test_a_lookup_that_may_succeed_later_is_made_again(bench, monkeypatch):
    free = bench()
    failures = [socket.gaierror(socket.EAI_AGAIN, "")]

    def looked_up(name):
        if failures:
            raise failures.pop()
        return ["10.0.0.1"]

    monkeypatch.setattr("golem_nb.host.sockets.looked_up", looked_up)

    assert free.call("lookup", "some.example") == ("ok", 1)

    assert len(free.entries(Error)) == 1


@pytest.mark.parametrize("verb", ["interrupt_worker", "delete_worker"])
def test_a_wait_for_the_network_ends_at_once(bench, deaf, verb):
    free = bench()
    waiting = free.start("tcp", deaf.port, "hello")
    until(lambda: deaf.taken)
    time.sleep(0.05)
    begin = time.monotonic()

    getattr(free.engine, verb)(free.worker)

    assert waiting.exception(5) is not None
    deaf.taken[0].settimeout(5)
    while deaf.taken[0].recv(100):
        pass  # until it is closed
    assert time.monotonic() - begin < WITHIN_S


def test_a_lookup_can_be_interrupted(bench, monkeypatch):
    free, ended = bench(), threading.Event()
    begun = threading.Event()

    def looked_up(name):
        begun.set()
        ended.wait(10)
        return []

    monkeypatch.setattr("golem_nb.host.sockets.looked_up", looked_up)
    waiting = free.start("lookup", "some.example")
    begun.wait(5)
    begin = time.monotonic()

    free.engine.interrupt_worker(free.worker)

    assert isinstance(waiting.exception(5), InvocationInterrupted)
    assert time.monotonic() - begin < WITHIN_S
    ended.set()


def test_without_network_everything_is_refused(bench, deaf, outside):
    off = bench(is_on=False)

    assert off.call("tcp", deaf.port, "x") == ("err", ACCESS_DENIED)
    assert off.call("udp", deaf.port, "x") == ("err", ACCESS_DENIED)
    assert off.call("lookup", "localhost") == ("err", ACCESS_DENIED)
    assert off.call("listen") == ("err", ACCESS_DENIED)
    assert deaf.taken == []


def test_a_refused_request_is_the_components_to_handle_and_is_not_tried_again(bench, outside):
    off = bench(is_on=False)
    worker = off.deployed(script())

    off.start("run", outside.authority, steps((TELL, 1), (ADD, 1)), worker=worker).result(20)

    assert outside.told == []
    assert off.entries(Error, worker) == []
    (got,) = [e for e in off.entries(ImportedFunctionInvoked, worker) if e.function_name.endswith("response::get")]
    assert got.response.typed().value == ("ok", ("http-error", {"code": "HTTP-request-denied", "detail": None}))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_address_is_refused_whatever_its_name(bench, outside, deaf, host):
    """The address that is connected to counts: a name may lead anywhere, and somewhere else the next time."""
    fenced = bench(denies_private=True)
    worker = fenced.deployed(script())
    authority = outside.authority.replace("127.0.0.1", host)

    fenced.start("run", authority, steps((TELL, 1)), worker=worker).result(20)

    assert outside.told == []
    assert fenced.call("tcp", deaf.port, "x") == ("err", ACCESS_DENIED)


def test_a_host_that_is_allowed_is_reached_and_no_other(bench, outside, server):
    port = outside.authority.rpartition(":")[2]
    fenced = bench(allowed=[f"localhost:{port}"])
    worker = fenced.deployed(script())

    for authority in (f"localhost:{port}", outside.authority):
        fenced.start("run", authority, steps((TELL, 1)), worker=worker).result(20)
    assert outside.steps == [1]

    assert fenced.call("tcp", server.port, "x") == ("err", ACCESS_DENIED)
    by_number = bench(allowed=[f"127.0.0.0/8:{server.port}"], denies_private=True)
    assert by_number.call("tcp", server.port, "x") == ("ok", "x")
    assert by_number.call("tcp", int(port), "x") == ("err", ACCESS_DENIED)


def test_listening_on_every_address_is_to_be_allowed(bench):
    assert bench().call("listen") == ("err", ACCESS_DENIED)
    assert bench(listens_anywhere=True).call("listen") == ("ok", "")


def test_many_workers_wait_by_one_thread(bench, deaf):
    free = bench()
    others = [WorkerId(free.worker.component_id, f"w{n}") for n in range(10)]
    waiting = [free.start("tcp", deaf.port, "hello", worker=worker) for worker in others]
    until(lambda: len(deaf.taken) == len(others))

    assert sum(thread.name == "sockets" for thread in threading.enumerate()) == 1

    for taken in deaf.taken:
        taken.sendall(b"HELLO")
    assert [one.result(5).value for one in waiting] == [("ok", "HELLO")] * len(others)
