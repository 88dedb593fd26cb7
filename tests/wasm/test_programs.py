"""What needs no runtime; tests/toolchains has programs that run."""

from types import SimpleNamespace

import pytest

from golem_nb.errors import FunctionNotFound
from golem_nb.values.types import S64, STRING, FunctionType, Parameter
from golem_nb.wasm.programs import ProgramComponent

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
