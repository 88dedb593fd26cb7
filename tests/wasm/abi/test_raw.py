import threading

import pytest
from wasmtime.component import Component

from golem_nb.wasm.abi.raw import RawBackend
from golem_nb.wasm.abi.selftest import EVERY_VALUE, TEXT, Examination
from golem_nb.wasm.abi.stock import StockBackend
from golem_nb.wasm.settings import make_engine

ENGINE = make_engine()
COMPONENT = Component(ENGINE, TEXT)


class Mine(BaseException):
    """Each thread raises its own number."""


@pytest.mark.parametrize("backend", [RawBackend(), StockBackend()], ids=lambda b: b.name)
def test_exceptions_of_six_threads_are_kept_apart(backend):
    """wasmtime-py keeps one exception for the whole process; ours travel on the instance's frame."""
    right = []

    def stress(number):
        def fail(frame, arguments):
            raise Mine(number)

        for _ in range(1500):
            examination = Examination(backend, ENGINE, {"make": fail}, COMPONENT)
            try:
                examination.call("weigh")
            except Mine as mine:
                right.append(mine.args == (number,))

    threads = [threading.Thread(target=stress, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(right), all(right)) == (9000, True)


@pytest.mark.parametrize("backend", [RawBackend(), StockBackend()], ids=lambda b: b.name)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), ValueError("x"), Mine(1)], ids=repr)
@pytest.mark.parametrize("function", ["make", "take", "echo"])
def test_any_exception_passes_through_wasm_as_itself(backend, error, function):
    def fail(frame, arguments):
        raise error

    examination = Examination(backend, ENGINE, {function: fail})

    with pytest.raises(type(error)) as caught:
        examination.call("echo", EVERY_VALUE) if function == "echo" else examination.call("weigh")

    assert caught.value is error
    assert examination.frame.pending is None


@pytest.mark.parametrize("backend", [RawBackend(), StockBackend()], ids=lambda b: b.name)
def test_an_exception_in_a_drop_passes_through_wasm_as_itself(backend):
    examination = Examination(backend, ENGINE)
    examination.frame.table.take = lambda rep: 1 / 0

    with pytest.raises(ZeroDivisionError):
        examination.call("weigh")
