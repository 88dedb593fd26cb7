import itertools

from hypothesis import given
from hypothesis import strategies as st

from golem_nb.oplog.regions import Regions, regions_of

RANGES = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6)).map(lambda r: (r[0], r[0] + r[1])), max_size=8)


@given(RANGES)
def test_regions_contain_what_their_ranges_do(ranges):
    regions = regions_of(ranges)

    for index in range(40):
        assert (index in regions) == any(start <= index <= end for start, end in ranges)


@given(RANGES)
def test_ranges_that_touch_are_one(ranges):
    merged = regions_of(ranges).ranges

    assert all(end + 1 < start for (_, end), (start, _) in itertools.pairwise(merged))


def test_the_end_around_an_index_is_where_replay_goes_on():
    assert Regions().adding(3, 5).end_around(4) == 5
    assert Regions().adding(3, 5).end_around(6) is None
