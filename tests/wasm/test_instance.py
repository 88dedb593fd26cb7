import threading
import time

import pytest

from golem_nb.errors import BadInput
from golem_nb.host.declare import ResourceTable
from golem_nb.values.types import Handle
from golem_nb.wasm.instance import GuestTrap, Instance, TrapKind
from golem_nb.wasm.platform import Platform
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER
from tests.wasm.test_components import CARTS


class Context:
    def __init__(self):
        self.table = ResourceTable()


class Host:
    worker_urn = "urn:worker:1/w"
    earlier_urns = ()

    def __init__(self):
        self.context, self.reason = Context(), None

    def stop(self):
        return self.reason


@pytest.fixture
def platform(tmp_path):
    return Platform(tmp_path)


def instance(platform, text, **options):
    linked = platform.link(wasm_from_text(text))
    host = Host()
    made = Instance(linked, host, **options)
    return lambda name, *arguments: made.call(linked.compiled.export(name), arguments), host, made


def test_an_instance_keeps_its_state(platform):
    call, _, _ = instance(platform, COUNTER)

    assert [call("inc", 2), call("inc", 3)] == [2, 5]


def test_a_trap_has_its_kind_and_report(platform):
    call, _, _ = instance(platform, COUNTER)
    call("inc", 5)
    with pytest.raises(GuestTrap, match="unreachable") as caught:
        call("fail-above", 1)
    assert caught.value.kind is TrapKind.OTHER

    call, _, _ = instance(platform, COUNTER)
    found = []

    def recurse():
        try:
            call("recurse", 0)
        except GuestTrap as trap:
            found.append(trap.kind)

    threading.stack_size(4 << 20)
    thread = threading.Thread(target=recurse)
    thread.start()
    thread.join()
    threading.stack_size(0)
    assert found == [TrapKind.STACK_OVERFLOW]


def test_a_busy_loop_ends_at_the_next_tick_by_the_hosts_own_exception(platform):
    class Enough(BaseException):
        pass

    call, host, _ = instance(platform, COUNTER)
    ended = []

    def spin():
        try:
            call("spin")
        except Enough:
            ended.append(True)

    thread = threading.Thread(target=spin)
    thread.start()
    time.sleep(0.02)
    platform.tick()
    assert thread.is_alive()
    host.reason = Enough()
    platform.tick()
    thread.join(5)

    assert ended == [True]


def test_resources_are_handles_that_count_from_zero(platform):
    call, host, _ = instance(platform, CARTS)
    site = "shop:carts/api@1.2.3"
    first, second = (call(f"{site}.{{cart.new}}", size) for size in (3, 4))

    assert (first, second) == (Handle(host.worker_urn, 0), Handle(host.worker_urn, 1))
    assert [call(f"{site}.{{cart.size}}", handle) for handle in (second, first, second)] == [4, 3, 4]
    call(f"{site}.{{cart.drop}}", first)
    with pytest.raises(BadInput, match="was dropped"):
        call(f"{site}.{{cart.size}}", first)
    with pytest.raises(BadInput, match="another worker"):
        call(f"{site}.{{cart.size}}", Handle("urn:worker:1/other", 1))


def test_memory_has_a_limit(platform):
    text = """
    (component
      (core module $m (memory 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
      (core instance $i (instantiate $m))
      (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $i "grow"))))
    """
    call, _, _ = instance(platform, text, memory_limit_bytes=1 << 20)

    assert [call("grow", 10), call("grow", 10)] == [1, -1]


def test_a_closed_instance_leaves_nothing(platform):
    _, host, made = instance(platform, COUNTER)
    host.context.table.push("x")

    made.close()

    assert len(host.context.table) == 0
