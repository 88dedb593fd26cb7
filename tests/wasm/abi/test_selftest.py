import pytest

from golem_nb.wasm.abi import raw, stock
from golem_nb.wasm.abi.selftest import EVERY_VALUE, HANDLERS, Examination, fault
from golem_nb.wasm.settings import make_engine

ENGINE = make_engine()
BACKENDS = [raw.RawBackend(), stock.StockBackend()]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
def test_every_kind_of_value_and_two_borrows_in_one_call_pass(backend):
    assert fault(backend, ENGINE) is None


@pytest.mark.parametrize("name", sorted(EVERY_VALUE))
def test_a_value_that_comes_back_changed_is_found(name, monkeypatch):
    lying = dict(EVERY_VALUE, **{name: EVERY_VALUE["u8"] if name != "u8" else 1})
    monkeypatch.setattr("golem_nb.wasm.abi.selftest.EVERY_VALUE", lying)

    class Honest(raw.RawBackend):
        def export(self, store, function, signature, resources, frame):
            call = super().export(store, function, signature, resources, frame)
            return lambda arguments: call([EVERY_VALUE]) if arguments else call(arguments)

    assert fault(Honest(), ENGINE).startswith(f"{name}: ")


def test_a_leaked_handle_is_found():
    examination = Examination(BACKENDS[0], ENGINE, {"make": lambda frame, args: (frame.table.push(0), args[0] * 3)[1]})

    examination.call("weigh")

    assert len(examination.frame.table) == 2
    assert set(HANDLERS) == {"echo", "make", "[method]thing.with", "all", "take"}
