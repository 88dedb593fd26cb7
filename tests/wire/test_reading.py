import pytest

from golem_nb.errors import BadInput
from golem_nb.wire.reading import MOST, read_index, read_list, read_number, read_text, read_truth, reading


@pytest.mark.parametrize(("read", "json"), [(read_text, "a"), (read_number, -5), (read_truth, False), (read_list, [1])])
def test_what_has_the_shape_is_read(read, json):
    assert read(json) == json


@pytest.mark.parametrize(
    ("read", "json"),
    [
        (read_text, 5),
        (read_text, None),
        (read_number, "5"),
        (read_number, True),
        (read_number, 1.0),
        (read_truth, 1),
        (read_truth, "true"),
        (read_list, {}),
    ],
)
def test_what_has_another_shape_is_bad_input(read, json):
    with pytest.raises(BadInput, match="this is not a thing: expected"), reading("a thing"):
        read(json)


@pytest.mark.parametrize("json", [-1, MOST + 1, True, 1.0, "1", None, [1]])
def test_an_index_is_a_whole_number_within_bounds(json):
    assert read_index(MOST, "count") == MOST
    with pytest.raises(BadInput, match="count must be a whole number"), reading("a thing"):
        read_index(json, "count")


def test_a_missing_key_is_named():
    with pytest.raises(BadInput, match="a thing must have the key 'a'"), reading("a thing"):
        {}["a"]
