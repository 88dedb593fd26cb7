import ipywidgets as ui
import pytest

from golem_nb.errors import InvocationFailed, UsageError
from golem_nb.notebook.form import Form, input_for
from golem_nb.values.types import (
    BOOL,
    BYTES,
    CHAR,
    F64,
    S8,
    STRING,
    U32,
    U64,
    Case,
    EnumType,
    FlagsType,
    FunctionType,
    ListType,
    OptionType,
    Parameter,
    ResultType,
    TupleType,
    VariantType,
    record,
)


def first(widget, kind):
    """The first widget of a kind, in a tree of them."""
    if isinstance(widget, kind):
        return widget
    return next((found for child in getattr(widget, "children", ()) if (found := first(child, kind))), None)


@pytest.mark.parametrize(
    ("type", "kind", "typed", "value"),
    [
        (BOOL, ui.Checkbox, True, True),
        (S8, ui.BoundedIntText, -5, -5),
        (U32, ui.BoundedIntText, 4_000_000_000, 4_000_000_000),
        (U64, ui.Text, "18446744073709551615", 18446744073709551615),
        (F64, ui.FloatText, 1.5, 1.5),
        (STRING, ui.Text, "x", "x"),
        (CHAR, ui.Text, "é", "é"),
        (EnumType(("red", "green")), ui.Dropdown, "green", "green"),
        (FlagsType(("a", "b")), ui.SelectMultiple, ("b",), frozenset({"b"})),
        (BYTES, ui.Textarea, "[1, 2]", b"\x01\x02"),
    ],
)
def test_a_value_is_read_from_its_widget(type, kind, typed, value):
    found = input_for(type, "p")
    first(found.widget, kind).value = typed

    assert found.read() == value


def test_numbers_have_the_range_of_their_type():
    number = input_for(S8, "p").widget

    assert (number.min, number.max) == (-128, 127)


@pytest.mark.parametrize(
    ("type", "typed", "told"),
    [
        (U64, "many", "p: a whole number, found 'many'"),
        (U64, "-1", "p: from 0 to 18446744073709551615, found -1"),
        (CHAR, "ab", "p: one character"),
        (BYTES, "[", "p: JSON of list<u8>"),
    ],
)
def test_what_is_typed_wrongly_is_named(type, typed, told):
    found = input_for(type, "p")
    first(found.widget, ui.Text if type != BYTES else ui.Textarea).value = typed

    with pytest.raises(UsageError, match=told):
        found.read()


def test_an_option_is_none_until_it_is_given():
    found = input_for(OptionType(U32), "p")
    assert (found.read(), found.widget.children[1].layout.display) == (None, "none")

    found.widget.children[0].value = True
    found.widget.children[1].value = 7

    assert (found.read(), found.widget.children[1].layout.display) == (7, None)


def test_a_list_grows_and_shrinks():
    found = input_for(ListType(U32), "p")
    _, rows, buttons = found.widget.children
    more, less = buttons.children
    assert (found.read(), less.disabled) == ([], True)

    more.click()
    more.click()
    rows.children[1].value = 5
    assert found.read() == [0, 5]
    less.click()
    assert found.read() == [0]


def test_records_tuples_and_variants_are_of_their_parts():
    found = input_for(record(name=STRING, at=TupleType((U32, BOOL))), "p")
    first(found.widget, ui.Text).value = "x"
    assert found.read() == {"name": "x", "at": (0, False)}

    choice = input_for(VariantType((Case("none"), Case("some", U32))), "p")
    assert choice.read() == ("none", None)
    choice.widget.children[0].value = "some"
    choice.widget.children[1].value = 3
    assert choice.read() == ("some", 3)
    assert input_for(ResultType(None, STRING), "p").read() == ("ok", None)


def test_a_form_calls_with_what_the_api_takes_and_says_what_came_of_it():
    asked = []

    def call(params):
        asked.append(params)
        if params[0] == 13:
            raise InvocationFailed("<unlucky>", "")
        return params[0] * 2

    function = FunctionType(
        "a:b/c.{double}", (Parameter("n", U32), Parameter("how", OptionType(STRING))), U32, "Docs <b>"
    )
    form = Form(function, call)
    first(form.widget, ui.BoundedIntText).value = 4
    form.button.click()
    assert (asked, form.result) == ([[4, None]], 8)
    assert "✓" in form.said.value and "8" in form.said.value

    first(form.widget, ui.BoundedIntText).value = 13
    form.button.click()
    assert "✕" in form.said.value and "&lt;unlucky&gt;" in form.said.value
    assert form.button.disabled is False
    assert "Docs &lt;b&gt;" in form.widget.children[0].value


def test_a_function_without_a_result_is_done():
    form = Form(FunctionType("f", (), None), lambda params: None)
    form.button.click()

    assert "done" in form.said.value and "None" not in form.said.value


def test_what_a_call_prints_is_shown_above_its_result(capsys):
    form = Form(FunctionType("f", (), U32), lambda params: print("<b>\x1b[31mred\x1b[0m") or 5)
    form.button.click()

    assert "&lt;b&gt;red\n<span" in form.said.value and form.said.value.endswith("5</div>")
    assert capsys.readouterr().out == ""


def test_an_input_begins_with_the_default():
    parameters = (
        Parameter("n", U64, default="3"),
        Parameter("s", STRING, default='"x"'),
        Parameter("b", BOOL, default="true"),
        Parameter("l", ListType(U32), default="[1, 2]"),
        Parameter("o", OptionType(STRING), default='"given"'),
        Parameter("j", STRING, is_json=True, default='{"a": 1}'),
    )
    form = Form(FunctionType("f", parameters, None), lambda params: params)

    assert form.values == [3, "x", True, [1, 2], "given", '{"a": 1}']


def test_an_interrupted_call_is_told_below_the_button():
    def call(params):
        raise KeyboardInterrupt

    form = Form(FunctionType("f", (), None), call)
    form.button.click()

    assert "stopped waiting; the worker goes on" in form.said.value
    assert form.button.disabled is False


def test_a_parameter_without_a_type_is_json():
    form = Form(FunctionType("f", (Parameter("x", STRING, is_json=True),), None), lambda params: params)
    area = first(form.widget, ui.Textarea)
    area.value = '{"a": [1]}'
    assert form.values == ['{"a": [1]}']

    area.value = "{"
    form.submit()
    assert "x: no JSON" in form.said.value
