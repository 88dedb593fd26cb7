"""What needs no runtime; tests/toolchains has programs that run."""

import json
from types import SimpleNamespace

import pytest

from golem_nb.errors import ComponentRejected, FunctionNotFound
from golem_nb.values.types import S64, STRING, FunctionType, OptionType, Parameter
from golem_nb.wasm.components import Export
from golem_nb.wasm.programs import OUTCOMES, TYPED_SECTION, ProgramComponent, TypedComponent, described_component
from golem_nb.wasm.sections import custom_section

S64_TYP, STR_TYP = {"type": "S64"}, {"type": "Str"}
RUNTIME = SimpleNamespace(component=None, imports=(), resource_ids={})


def function(name, *parameters, result=None):
    told = [{"name": n, "typ": typ, "is_json": typ == STR_TYP, **more} for n, typ, more in parameters]
    return {"name": name, "parameters": told, "result": result, "is_dynamic": result is None, "docs": f"of {name}"}


@pytest.fixture
def component():
    return ProgramComponent(
        RUNTIME,
        [
            function("nb:shop/cart.{add-item}", ("count", S64_TYP, {"default": 1}), result=S64_TYP),
            function("nb:shop/cart.{total}"),
            function("nb:shop/api.{total}", ("any", STR_TYP, {})),
        ],
    )


def test_exports_are_those_of_the_program(component):
    assert component.exports[0] == FunctionType(
        "nb:shop/cart.{add-item}", (Parameter("count", S64, False, "1"),), S64, "of nb:shop/cart.{add-item}"
    )
    assert component.exports[2].parameters == (Parameter("any", STRING, True),)
    assert [f.name.partition("@")[0] for f in component.functions[3:]] == [
        "golem:api/save-snapshot",
        "golem:api/load-snapshot",
    ]


@pytest.mark.parametrize(
    "name", ["nb:shop/cart.{add-item}", "cart.{add-item}", "cart.add-item", "add-item", "add_item", "cart.add_item"]
)
def test_functions_have_short_names(component, name):
    assert component.export(name).type.name == "nb:shop/cart.{add-item}"


@pytest.mark.parametrize("name", ["total", "nope", "cart.{nope}"])
def test_a_name_that_fits_none_or_several_is_refused(component, name):
    with pytest.raises(FunctionNotFound):
        component.export(name)


def test_which_results_have_the_type_of_their_value(component):
    assert component.is_dynamic("nb:shop/cart.{total}")
    assert not component.is_dynamic("nb:shop/cart.{add-item}")


class Typed(SimpleNamespace):
    """A component that exports one function, and what tells the outcomes of its calls."""

    def __init__(self, *parameters, result=S64, outcome=STRING):
        super().__init__(component=None, imports=(), resource_ids={}, outcome=outcome)
        self.type = FunctionType(
            "nb:shop/cart.{add}", tuple(Parameter(f"p{n}", type) for n, type in enumerate(parameters)), result
        )

    def export(self, name):
        if name.startswith(OUTCOMES) and self.outcome:
            return Export(FunctionType(name, (), self.outcome), ())
        if name != self.type.name:
            raise FunctionNotFound(name, [])
        return Export(self.type, ())


ADD = function("nb:shop/cart.{add}", ("by", S64_TYP, {}), ("count", S64_TYP, {"default": 1}), result=S64_TYP)


def with_description(description):
    return b"\0asm\x0d\0\x01\0" + custom_section(TYPED_SECTION, json.dumps(description).encode())


def test_a_typed_program_has_the_exports_that_it_describes():
    own = Typed(S64, OptionType(S64))

    found = described_component(with_description([ADD]), own)

    assert isinstance(found, TypedComponent)
    assert found.exports == (
        FunctionType(
            "nb:shop/cart.{add}", (Parameter("by", S64), Parameter("count", S64, False, "1")), S64, "of " + ADD["name"]
        ),
    )


def test_a_component_without_a_description_is_itself():
    own = Typed(S64)

    assert described_component(b"\0asm\x0d\0\x01\0", own) is own


@pytest.mark.parametrize(
    "own", [Typed(S64, S64), Typed(S64, OptionType(S64), result=STRING), Typed(S64), Typed(STRING, OptionType(S64))]
)
def test_a_description_of_other_functions_is_refused(own):
    with pytest.raises(ComponentRejected, match="is not of the type that this component says"):
        described_component(with_description([ADD]), own)


def test_a_description_without_what_tells_outcomes_is_refused():
    with pytest.raises(ComponentRejected, match=r"cannot be read.*FunctionNotFound"):
        described_component(with_description([ADD]), Typed(S64, OptionType(S64), outcome=None))
    with pytest.raises(ComponentRejected, match="attach} is not a function without parameters that returns a string"):
        described_component(with_description([ADD]), Typed(S64, OptionType(S64), outcome=S64))


@pytest.mark.parametrize("description", [[{**ADD, "name": "nb:shop/cart.{other}"}], [{}], {"a": 1}, 5])
def test_a_description_that_is_none_is_refused(description):
    with pytest.raises(ComponentRejected, match="description in this component cannot be read"):
        described_component(with_description(description), Typed(S64, OptionType(S64)))
