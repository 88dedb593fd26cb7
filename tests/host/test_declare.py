import os
from pathlib import Path

import pytest

import golem_nb.host
from golem_nb.host.declare import FUNCTIONS, INNER, Effect, Resource, ResourceTable, kebab

GOLDEN = Path(__file__).parent.parent / "golden" / "host_functions.txt"


def table():
    """One line for each host function: WIT name, effect, label in the oplog, whether its answer is rebuilt."""
    lines = []
    for key, row in sorted(FUNCTIONS.items()):
        recorded = "" if row.effect is Effect.DETERMINISTIC else row.label
        rebuilt = "rebuilt" if row.rebuild else ""
        lines.append(f"{key:72}  {row.effect.value:18}  {recorded:56}  {rebuilt}".rstrip())
    lines += [f"  {label:70}  {row.effect.value}" for label, row in sorted(INNER.items())]
    return "\n".join(lines) + "\n"


def test_the_table_of_host_functions_is_as_it_was():
    if os.environ.get("BLESS"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(table())

    assert table() == GOLDEN.read_text()


def test_every_module_of_the_package_is_in_the_table():
    folder = Path(golem_nb.host.__file__).parent
    silent = {"__init__", "bodies", "context", "declare", "filetree", "http_exchange", "http_network", "rpc_stubs"}
    silent |= {"network", "network_policy", "socket_address", "socket_base", "socket_watch"}
    silent |= {"initialfiles"}
    silent |= {"http_owner", "http_trailers"}

    assert set(golem_nb.host.__all__) == {path.stem for path in folder.glob("*.py")} - silent


@pytest.mark.parametrize(("python", "wit"), [("get_random_u64", "get-random-u64"), ("in_", "in"), ("poll", "poll")])
def test_names_change_form(python, wit):
    assert kebab(python) == wit


def test_handles_come_from_a_counter_and_are_not_used_twice():
    table = ResourceTable()
    first = table.push("a")
    table.take(first)

    assert [first, table.push("b"), table.push("c")] == [1, 2, 3]


def test_a_dropped_resource_is_told():
    class Thing(Resource):
        gone = False

        def dropped(self):
            self.gone = True

    table, thing = ResourceTable(), Thing()

    table.drop(table.push(thing))

    assert thing.gone
    assert len(table) == 0
