import time

import pytest
from IPython.core.completer import provisionalcompleter

from golem_nb.notebook.completion import complete, sample_arguments
from golem_nb.notebook.magics.grammar import Target
from golem_nb.notebook.session import Session
from golem_nb.values.types import (
    BOOL,
    BYTES,
    F64,
    STRING,
    U32,
    Case,
    EnumType,
    FlagsType,
    FunctionType,
    OptionType,
    Parameter,
    ResultType,
    TupleType,
    VariantType,
    record,
)
from tests.wire.test_codec import COMPONENT


@pytest.fixture
def session():
    made = Session(print, print)
    made.note(COMPONENT, ["alice", "bob"])
    return made


@pytest.mark.parametrize(
    ("text", "fragment", "found"),
    [
        ("%golem_invoke ca", "ca", ["cart/", "cart/alice", "cart/bob"]),
        ("r = %golem_invoke cart/a", "cart/a", ["cart/alice"]),
        ("%golem_invoke cart/alice ", "", ["add_item(", "clear("]),
        ("%golem_invoke --key k cart/alice ad", "ad", ["add_item("]),
        ("%golem_invoke cart/alice add_item(", "add_item(", ['add_item(item={"name": "a"})']),
        ("%golem_invoke cart/alice clear() --tr", "--tr", ["--trigger"]),
        ("%golem_invoke cart/alice --wave add_item(", "add_item(", ['add_item({name: "a"})']),
        ("%golem_invoke cart/alice --wave nothing(", "nothing(", []),
        ("%golem_invoke r << cart/al", "cart/al", ["cart/alice"]),
        ("%golem help golem_in", "golem_in", ["golem_invoke"]),
        ("%golem_workers cart --status Fa", "Fa", ["Failed"]),
        ("%golem_connect cart/alice --level Cr", "Cr", ["Critical"]),
        ("%golem_oplog cart/b", "cart/b", ["cart/bob"]),
        ("%golem_oplog cart/bob --kind Can", "Can", ["CancelInvocation"]),
        ("%golem_oplog cart/bob --diff cart/a", "cart/a", ["cart/alice"]),
        ("%golem_workers c", "c", ["cart"]),
        ("%golem st", "st", ["status", "stop"]),
        ("%golem use ca", "ca", ["cart", "cart/", "cart/alice", "cart/bob"]),
        ("%golem local --d", "--d", ["--dir", "--deny-private"]),
        ("%golem local ", "", []),
        ("%%golem_deploy x --lang ", "", ["py", "js", "wat"]),
        ("for n in range(3):\n    %golem_invoke cart/al", "cart/al", ["cart/alice"]),
        ("%%golem_invoke --keep-going 'cart/alice' -t 5\nü = ad", "ad", ["add_item("]),
        ("%golem use cart/", "cart/", ["cart/", "cart/alice", "cart/bob"]),
        ("%golem_worker cart/alice in", "in", ["interrupt"]),
        ("%golem_worker cart/alice re", "re", ["resume", "revert"]),
        ("%golem_worker cart/alice update --mode ", "", ["automatic", "manual"]),
        ("%golem_worker cart/alice update --mode m", "m", ["manual"]),
        (
            "%golem_worker cart/alice revert --",
            "--",
            ["--to", "--last", "--out", "--quiet", "--json", "--env-id", "--help"],
        ),
        ("%golem_worker cart/alice fork copy --a", "--a", ["--at"]),
        ("%golem_worker cart/alice revert --to ", "", []),
        ("%golem_oplog cart/alice --qu", "--qu", ["--query", "--quiet"]),
        ("%golem_components cart --sn", "--sn", ["--snapshot-every"]),
        ("x = 1\n%golem_components ca", "ca", ["cart"]),
        ("%%golem_invoke cart/alice\nr = add", "add", ["add_item("]),
        ("%%golem_invoke cart/alice\nclear()\nad", "ad", ["add_item("]),
        ("%%golem_invoke ca", "ca", ["cart/", "cart/alice", "cart/bob"]),
    ],
)
def test_tab_knows_what_may_stand_there(session, text, fragment, found):
    assert complete(session, text) == (fragment, found)


@pytest.mark.parametrize(
    "text", ["x = 5", "%matplotlib inl", "%golem_invoke cart/alice add_item(5, x", "%golem_nope x", ""]
)
def test_tab_leaves_the_rest_to_others(session, text):
    assert complete(session, text)[1] == []


def test_a_bare_worker_is_offered_for_the_default_component(session):
    session.default = Target("cart", "alice")

    assert complete(session, "%golem_invoke al")[1] == ["alice"]
    assert complete(session, "%golem_invoke ad")[1] == ["add_item("]
    assert complete(session, "%golem_worker int")[1] == ["interrupt"]
    assert complete(session, "%golem_worker fork copy --a")[1] == ["--at"]
    assert complete(session, "%%golem_invoke\nad")[1] == ["add_item("]


def test_tab_is_answered_without_a_server_and_at_once(session):
    session.note(COMPONENT, map(str, range(5000)))
    start = time.perf_counter()

    complete(session, "%golem_invoke cart/4")

    assert time.perf_counter() - start < 0.05
    assert session.place is None


def test_samples_fit_their_types():
    shapes = VariantType((Case("dot"), Case("box", U32)))
    types = [BOOL, STRING, F64, BYTES, TupleType((U32,)), record(a_b=U32), shapes, ResultType(), EnumType(("x",))]
    types += [FlagsType(("f",)), OptionType(U32)]
    function = FunctionType("f", tuple(Parameter(f"p{n}", type) for n, type in enumerate(types)), None)

    sample = sample_arguments(function)

    assert eval(f"dict({sample})") == {
        "p0": False,
        "p1": "a",
        "p2": 0.0,
        "p3": [0],
        "p4": (0,),
        "p5": {"a_b": 0},
        "p6": "dot",
        "p7": "ok",
        "p8": "x",
        "p9": {"f"},
        "p10": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "%golem_invoke {}/w su",
        "%%golem_invoke {}/w --keep-going\nadd(5)\nx = su",
        "a_long_name_above = 5\n\n%golem_invoke {}/w su",
        "for n in range(3):\n    %golem_invoke {}/w su",
    ],
)
def test_the_shell_asks_the_matcher_wherever_the_cursor_is(notebook, ledger, text):
    text = text.format(ledger)
    with provisionalcompleter():
        found = [completion.text for completion in notebook.shell.Completer.completions(f"{text}\nmore", len(text))]

    assert found == ["sum("]


def test_unloading_takes_the_matcher_out(notebook):
    before = len(notebook.shell.Completer.custom_matchers)
    notebook.run("%unload_ext golem_nb")

    assert len(notebook.shell.Completer.custom_matchers) == before - 1
    notebook.run("%load_ext golem_nb")


def test_each_kind_of_an_oplog_is_offered(session):
    """Without pandas, which the frames need and Tab would have to wait for."""
    from golem_nb.notebook.frames import FAMILIES

    assert complete(session, "%golem_oplog cart/bob --kind ") == ("", sorted(FAMILIES))
