"""Every function of the WIT texts has its row in the table of host functions, with as many parameters."""

import pytest

import golem_nb.host  # fills the table
from golem_nb.host.declare import FUNCTIONS
from tests.toolchains.build import resolved_wit
from tests.toolchains.conftest import or_skip

pytestmark = [pytest.mark.toolchains, pytest.mark.timeout(120)]

assert golem_nb.host

# What components export themselves.
EXPORTED = {"golem:api/save-snapshot", "golem:api/load-snapshot", "wasi:cli/run", "wasi:http/incoming-handler"}


@pytest.fixture(scope="module")
def described():
    """Return the functions of all interfaces: key of the table -> number of parameters, besides a method's object."""
    found, resolved = {}, or_skip(resolved_wit)
    for interface in resolved["interfaces"]:
        package = resolved["packages"][interface["package"]]["name"].partition("@")[0]
        for name, function in interface["functions"].items():
            is_method = name.startswith("[method]")
            found[f"{package}/{interface['name']}#{name}"] = len(function["params"]) - is_method
    return {key: count for key, count in found.items() if key.partition("#")[0] not in EXPORTED}


def test_the_texts_of_all_packages_are_read(described):
    packages = {key.partition("/")[0] for key in described}

    assert packages == {
        *(f"golem:{name}" for name in ("api", "durability", "rpc")),
        *(f"wasi:{name}" for name in ("blobstore", "cli", "clocks", "config", "filesystem", "http", "io", "keyvalue")),
        *(f"wasi:{name}" for name in ("logging", "random", "sockets")),
    }
    assert len(described) > 250


def test_every_function_has_its_row(described):
    assert sorted(key for key in described if key not in FUNCTIONS) == []


def test_every_row_takes_what_its_function_is_given(described):
    def taken(row):
        return len(row.parameters) - row.with_result_type

    rows = {key: FUNCTIONS[key] for key in described}

    assert {key: (taken(row), described[key]) for key, row in rows.items() if taken(row) != described[key]} == {}
