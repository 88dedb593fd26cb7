import pytest

from golem_nb.host.declare import Trap
from golem_nb.host.random import MOST_BYTES, Insecure, InsecureSeed, Random
from tests.host.context import call


def test_all_interfaces_draw_from_the_workers_source(worker):
    assert call(Random(worker), "get_random_bytes", len=3) == b"\0\1\2"
    assert call(Insecure(worker), "get_insecure_random_bytes", len=2) == b"\0\1"
    number = int.from_bytes(bytes(range(8)), "little")
    assert call(Random(worker), "get_random_u64") == call(Insecure(worker), "get_insecure_random_u64") == number
    assert call(InsecureSeed(worker), "insecure_seed")[0] == number


@pytest.mark.parametrize(
    ("interface", "function"), [(Random, "get_random_bytes"), (Insecure, "get_insecure_random_bytes")]
)
def test_nobody_draws_more_than_memory_holds(worker, interface, function):
    with pytest.raises(Trap, match="random bytes were asked for"):
        call(interface(worker), function, len=MOST_BYTES + 1)
