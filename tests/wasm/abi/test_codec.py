import resource
import time

import pytest
from hypothesis import given
from wasmtime.component import Component

from golem_nb.errors import ValueMismatch
from golem_nb.wasm.abi.raw import RawBackend
from golem_nb.wasm.abi.selftest import EVERY, EVERY_VALUE, TEXT, Examination
from golem_nb.wasm.abi.stock import StockBackend
from golem_nb.wasm.settings import make_engine
from tests.values.strategies import values_of

ENGINE = make_engine()
COMPONENT = Component(ENGINE, TEXT)
RAW, STOCK = Examination(RawBackend(), ENGINE), Examination(StockBackend(), ENGINE)


@given(values_of(EVERY))
def test_values_come_back_as_they_were(value):
    # An instance of its own: the component's bump allocator never frees.
    assert Examination(RawBackend(), ENGINE, component=COMPONENT).call("echo", value) == value


@pytest.mark.parametrize("examination", [RAW, STOCK], ids=["raw", "stock"])
@pytest.mark.parametrize(("name", "value"), [("u8", 300), ("u8", -1), ("s8", 128), ("u64", 2**64), ("f32", 1e39)])
def test_a_number_out_of_range_is_refused_not_wrapped(examination, name, value):
    with pytest.raises(ValueMismatch):
        examination.call("echo", {**EVERY_VALUE, name: value})


def test_one_mebibyte_of_bytes_passes_both_ways(capsys):
    data = bytes(range(256)) * 4096
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()

    came_back = Examination(RawBackend(), ENGINE).call("echo", {**EVERY_VALUE, "bytes": data})

    took_ms = (time.perf_counter() - start) * 1e3
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert came_back["bytes"] == data
    with capsys.disabled():
        print(f"\nlist<u8> of 1 MiB, twice in and twice out: {took_ms:.0f} ms, peak memory +{grown_mib} MiB")
