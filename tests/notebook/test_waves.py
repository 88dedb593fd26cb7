import pytest
from hypothesis import given

from golem_nb.errors import UsageError, ValueMismatch
from golem_nb.notebook.waves import Wave, wave_from_result, wave_parameters, wave_sample
from golem_nb.values.types import STRING, U32, FunctionType, OptionType, Parameter, TypedValue, record
from tests.values.strategies import TYPED

ITEM = record(name=STRING, count=OptionType(U32))
ADD = FunctionType("add", (Parameter("item", ITEM), Parameter("times", U32, default="1")), ITEM)


def test_arguments_become_json():
    assert wave_parameters(ADD, '{name: "tea"}') == [{"name": "tea", "count": None}, 1]
    assert wave_parameters(ADD, '{name: "tea", count: 3}, 2') == [{"name": "tea", "count": 3}, 2]


def test_a_string_of_json_is_what_it_says():
    function = FunctionType("f", (Parameter("data", STRING, is_json=True),), None)

    assert wave_parameters(function, r'"{\"a\": [1]}"') == [{"a": [1]}]
    with pytest.raises(UsageError, match="data is a string of JSON"):
        wave_parameters(function, '"tea"')


def test_without_types_wave_cannot_be_read():
    with pytest.raises(UsageError, match="leave --wave out"):
        wave_parameters(None, "1")


def test_a_result_is_shown_without_quotes_and_keeps_its_value():
    wave = wave_from_result(TypedValue(ITEM, {"name": "tea", "count": 3}))

    assert repr(wave) == wave == '{name: "tea", count: some(3)}'
    assert wave.value == {"name": "tea", "count": 3}
    assert wave_from_result(None) is None
    assert wave_from_result(TypedValue(None, [1])) == [1]


@given(TYPED)
def test_a_sample_of_arguments_fits_the_function(typed):
    function = FunctionType("f", (Parameter("p", typed[0]), Parameter("q", U32)), None)

    assert len(wave_parameters(function, wave_sample(function))) == 2


@pytest.mark.parametrize(
    "cell",
    [
        "%golem_invoke {}/w add(5) --wave",
        "%golem_invoke --wave {}/w add( 5, ) ",
        "%%golem_invoke {}/w add --wave\n5 // five",
    ],
)
def test_magics_take_and_give_wave(notebook, ledger, cell):
    value = notebook.run(cell.format(ledger))

    assert (type(value), value, value.value) == (Wave, "5", 5)


def test_a_cell_of_calls_is_in_wave(notebook, ledger):
    calls = notebook.run(f"%%golem_invoke {ledger}/w --wave\nr = add(5)\nadd(2)")

    assert list(calls["result"]) == ["5", "7"]
    assert notebook.names["r"].value == 5


@pytest.mark.parametrize(
    ("call", "fault"),
    [("add(five)", "amount: expected a number at character 1, found five"), ("add()", "expected also amount")],
)
def test_what_is_no_wave_is_refused_with_its_place(notebook, ledger, call, fault):
    with pytest.raises(ValueMismatch, match=fault):
        notebook.run(f"%golem_invoke {ledger}/w {call} --wave")
