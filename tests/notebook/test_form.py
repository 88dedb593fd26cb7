import ipywidgets as ui
import pytest

from golem_nb.errors import GolemError, InvocationFailed, UsageError
from golem_nb.notebook.form import Form, input_for
from golem_nb.values.json import json_from_value
from golem_nb.values.types import (
    BOOL,
    BYTES,
    CHAR,
    F32,
    F64,
    PRIMITIVES,
    S8,
    S32,
    S64,
    STRING,
    U8,
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
        (S8, ui.Text, "-5", -5),
        (U32, ui.Text, "4000000000", 4_000_000_000),
        (U64, ui.Text, "18446744073709551615", 18446744073709551615),
        (F64, ui.Text, "1.5", 1.5),
        (STRING, ui.Textarea, "two\nlines", "two\nlines"),
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


@pytest.mark.parametrize("type", PRIMITIVES.values(), ids=lambda type: type.name)
def test_no_widget_takes_a_number_through_javascript(type):
    widget = input_for(type, "p").widget

    assert not any(first(widget, kind) for kind in (ui.IntText, ui.BoundedIntText, ui.FloatText, ui.IntSlider))


def test_what_is_out_of_range_is_said_beside_the_box_as_it_is_typed():
    line, beside = input_for(U8, "age").widget.children
    assert "u8, 0 to 255" in beside.value

    line.value = "-5"
    assert "✕ age: expected u8 (0 to 255), found -5" in beside.value and line.value == "-5"
    line.value = "<b>"
    assert "✕ age: a whole number, found &#x27;&lt;b&gt;&#x27;" in beside.value
    line.value = "255"
    assert "✕" not in beside.value


@pytest.mark.parametrize(
    ("type", "typed", "told"),
    [
        (U8, "-5", r"p: expected u8 \(0 to 255\), found -5"),
        (S32, "2147483648", r"p: expected s32 \(-2147483648 to 2147483647\), found 2147483648"),
        (U32, "1.5", "p: a whole number, found '1.5'"),
        (U32, "", "p: a whole number, found ''"),
        (U64, "many", "p: a whole number, found 'many'"),
        (U64, "-1", r"p: expected u64 \(0 to 18446744073709551615\), found -1"),
        (F32, "1e39", "p: expected f32, found 1e.39, which is too large"),
        (F64, "1,5", "p: a number, as in 1.5 or 2e10, found '1,5'"),
        (F64, "nan", "p: 'nan' cannot be sent"),
        (F64, "1e400", "p: '1e400' cannot be sent"),
        (CHAR, "ab", "p: expected char .one character."),
        (CHAR, "", "p: expected char .one character."),
        (BYTES, "[", "p: JSON of list<u8>"),
        (BYTES, "", "p: JSON of list<u8>, found ''$"),
        (BYTES, "[256]", r"p\[0\]: expected u8"),
        (BYTES, "[" * 100_000, "p: JSON of list<u8>"),
    ],
)
def test_what_is_typed_wrongly_is_named(type, typed, told):
    found = input_for(type, "p")
    first(found.widget, ui.Text if type != BYTES else ui.Textarea).value = typed

    with pytest.raises(GolemError, match=told):
        found.read()


def test_a_call_is_not_made_with_another_value_than_was_typed():
    asked = []
    form = Form(FunctionType("f", (Parameter("n", U8),), None), asked.append)
    first(form.widget, ui.Text).value = "-5"

    form.button.click()

    assert asked == [] and "n: expected u8 (0 to 255), found -5" in form.said.value


def test_numbers_that_javascript_does_not_have_are_sent_whole():
    asked = []
    form = Form(FunctionType("f", (Parameter("n", U64), Parameter("s", S64)), None), asked.append)
    for part, text in zip(form.widget.children, ("9007199254740993", "-9223372036854775808"), strict=False):
        part.children[0].value = text

    form.button.click()

    assert asked == [[9007199254740993, -9223372036854775808]]


def test_an_option_is_none_until_it_is_given():
    found = input_for(OptionType(U32), "p")
    assert (found.read(), found.widget.children[1].layout.display) == (None, "none")

    found.widget.children[0].value = True
    first(found.widget, ui.Text).value = "7"

    assert (found.read(), found.widget.children[1].layout.display) == (7, None)


def test_an_option_of_an_option_is_sent_as_what_it_is_or_not_at_all():
    found = input_for(OptionType(OptionType(U32)), "p")
    outer, inner = found.widget.children
    assert found.read() is None

    outer.value = True
    with pytest.raises(UsageError, match=r"some\(none\) cannot be sent"):
        found.read()
    inner.children[0].value = True
    assert json_from_value(OptionType(OptionType(U32)), found.read()) == 0


def test_an_enum_without_names_has_no_value():
    for type in (EnumType(()), VariantType(())):
        with pytest.raises(UsageError, match="p: its type has no values"):
            input_for(type, "p").read()
    assert input_for(FlagsType(()), "p").read() == frozenset()


def test_a_long_list_is_given_as_json():
    found = input_for(ListType(F64), "p")
    _, rows, area, buttons = found.widget.children
    buttons.children[0].click()

    buttons.children[2].value = True
    assert (rows.layout.display, area.layout.display) == ("none", None)
    area.value = str(list(range(10_000)))
    assert found.read() == list(range(10_000))
    area.value = "[NaN]"
    with pytest.raises(UsageError, match="NaN cannot be sent"):
        found.read()
    buttons.children[2].value = False
    assert found.read() == [0]


def test_parts_of_nested_types_are_named_by_their_place():
    inner = record(at=ListType(TupleType((U8, OptionType(U8)))))
    found = input_for(record(inner=inner), "p")
    first(found.widget, ui.Button).click()
    first(found.widget, ui.Text).value = "256"

    with pytest.raises(GolemError, match=r"p\.inner\.at\.0\.0: expected u8"):
        found.read()


def test_a_list_grows_and_shrinks():
    found = input_for(ListType(U32), "p")
    _, rows, _, buttons = found.widget.children
    more, less, _ = buttons.children
    assert (found.read(), less.disabled) == ([], True)

    more.click()
    more.click()
    first(rows.children[1], ui.Text).value = "5"
    assert found.read() == [0, 5]
    less.click()
    assert found.read() == [0]


def test_records_tuples_and_variants_are_of_their_parts():
    found = input_for(record(name=STRING, at=TupleType((U32, BOOL))), "p")
    first(found.widget, ui.Textarea).value = "x"
    assert found.read() == {"name": "x", "at": (0, False)}

    choice = input_for(VariantType((Case("none"), Case("some", U32))), "p")
    assert choice.read() == ("none", None)
    choice.widget.children[0].value = "some"
    first(choice.widget.children[1], ui.Text).value = "3"
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
    first(form.widget, ui.Text).value = "4"
    form.button.click()
    assert (asked, form.result) == ([[4, None]], 8)
    assert "✓" in form.said.value and "8" in form.said.value

    first(form.widget, ui.Text).value = "13"
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
        Parameter("c", CHAR, default="97"),
        Parameter("r", F64, default="2"),
        Parameter("j", STRING, is_json=True, default='{"a": 1}'),
    )
    form = Form(FunctionType("f", parameters, None), lambda params: params)

    assert form.values == [3, "x", True, [1, 2], "given", 97, 2.0, '{"a": 1}']


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
