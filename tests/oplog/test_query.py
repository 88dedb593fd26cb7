from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.errors import BadInput
from golem_nb.model import PublicEntry
from golem_nb.oplog.query import MOST_LEVELS, And, Field, Not, Or, Phrase, Query, Regex, Term, parse_query
from golem_nb.values.json import json_from_typed
from golem_nb.values.types import (
    BOOL,
    BYTES,
    CHAR,
    F32,
    STRING,
    U32,
    Case,
    EnumType,
    FlagsType,
    Handle,
    HandleType,
    ListType,
    OptionType,
    ResultType,
    TupleType,
    TypedValue,
    VariantType,
    record,
)

A, B, C, D = (Term(letter) for letter in "abcd")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", And(())),
        ("  ", And(())),
        ("()", And(())),
        ("a", A),
        (" a ", A),
        ("(a)", A),
        ("( a )", A),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a\tAND\nb", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a OR b c", And((Or((A, B)), C))),
        ("a OR b AND c", Or((A, And((B, C))))),
        ("a OR NOT b AND NOT c", Or((A, And((Not(B), Not(C)))))),
        ("a AND (b OR c) NOT d", And((And((A, Or((B, C)))), Not(D)))),
        ("NOT (NOT a)", Not(Not(A))),
        ("f:a", Field(("f",), A)),
        ("f=a", Field(("f",), A)),
        ("f : a", Field(("f",), A)),
        ("NOT f:a", Not(Field(("f",), A))),
        ("item.product-id:a", Field(("item", "product-id"), A)),
        (r"a\.b.c:a", Field(("a.b", "c"), A)),
        ("f:(a OR b)", Field(("f",), Or((A, B)))),
        ("f:g:a", Field(("f",), Field(("g",), A))),
        ('f:"a b"', Field(("f",), Phrase("a b"))),
        ("f:/a b/", Field(("f",), Regex("a b"))),
        ("add-item", Term("add-item")),
        ("a+b", Term("a+b")),
        (r"\-a\ b\:\\", Term("-a b:\\")),
        (r"\AND", Term("AND")),
        ("and or not", And((Term("and"), Term("or"), Term("not")))),
        ("ANDy", Term("ANDy")),
        ('"say \\"hi\\" \\n \\\\"', Phrase('say "hi" \\n \\')),
        ('""', Phrase("")),
        (r"/G[0-9]+\/x\.y/", Regex(r"G[0-9]+/x\.y")),
        (r"/a\\/", Regex(r"a\\")),
        ("imported-function", Term("imported-function")),
    ],
)
def test_what_is_written_is_read(text, query):
    assert parse_query(text) == query


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("(a", r"column 3: expected \), found its end"),
        ("a)", r"column 2: expected an end, or \( before this, found '\)'"),
        ("a OR", "column 5: expected a term, .* found its end"),
        ("OR a", "column 1: .* instead of the keyword OR"),
        ("a AND OR b", "column 7: .* instead of the keyword OR"),
        ("NOT NOT a", "column 5: .* instead of the keyword NOT"),
        ("f:", "column 3: expected a term"),
        ("f:NOT a", "column 3: .* instead of the keyword NOT"),
        ("f: AND", "instead of the keyword AND"),
        (":a", "column 1: expected a term, .* found ':'"),
        ("a..b:c", "column 1: expected a field: names with dots between"),
        ("-a", "column 1: expected a term, .* found '-'"),
        ('"a', 'column 1: expected a " at the end'),
        ('"a\\"', 'column 1: expected a " at the end'),
        ("/a", "column 1: expected a / at the end"),
        ('"a"b', "column 4: expected a blank, found 'b'"),
        ("a!", "column 2: expected a blank, found '!'"),
        ("a{", "column 2: expected a blank, found '{'"),
        ("a\\", "column 2: expected a blank"),
        ("/(/", r"the regular expression /\(/ is wrong at character 2"),
        (r"/(a)\1/", "no backreference"),
    ],
)
def test_what_is_no_query_is_shown(text, fault):
    with pytest.raises(BadInput, match=fault):
        parse_query(text)


@pytest.mark.parametrize(
    "text", ["(" * 5000, "a:" * 5000 + "a", "NOT (" * 2000, "(a OR " * 1500, "/" + "(" * 5000 + "/"]
)
def test_depth_without_measure_is_refused(text):
    with pytest.raises(BadInput):
        parse_query(text)


def test_some_depth_is_fine():
    deepest = MOST_LEVELS - 1

    assert parse_query("(" * deepest + "a" + ")" * deepest) == A


def test_a_query_of_many_parts_is_fine():
    assert len(parse_query(" ".join("a" * 3000)).queries) == 3000
    assert len(parse_query(" OR ".join("a" * 2000)).queries) == 2000


def test_a_query_that_is_too_long_is_refused():
    with pytest.raises(BadInput, match="too long"):
        parse_query("a" * 10_001)


# Blanks, everything special, the keywords and what else one may write.
TEXTS = st.one_of(st.text('ab \t\u3000+-!():^<>=[]"{}~\\/.', min_size=1), st.text(min_size=1), st.just("AND"))
REGEXES = st.sampled_from(["a+", r"a/b", r"\\", r"\\/", "[/]", r"\.", "a|b", "(?i)x"])
LEAVES = st.one_of(TEXTS.map(Term), st.text().map(Phrase), REGEXES.map(Regex), st.just(And(())))
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Or),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(And),
        inner.map(Not),
        st.builds(Field, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), inner),
    ),
    max_leaves=8,
)


@given(QUERIES)
def test_a_written_query_is_read_back(query: Query):
    assert parse_query(str(query)) == query


# What a query finds.


def entry(kind, **fields):
    return PublicEntry(1, kind, datetime(2026, 1, 1, tzinfo=UTC), fields)


def value(type, value):
    return json_from_typed(TypedValue(type, value))


def found(text, *entries):
    return [entry.kind for entry in entries if parse_query(text).matches(entry)]


ITEM = record(product_id=STRING, name=STRING, price=F32, quantity=U32)
API = "golem:it/api.{%s}"


def invocation(function, *parameters, result=None, inside=()):
    name, key = API % function, f"key-of-{function}"
    pending = {"fullFunctionName": name, "idempotencyKey": key, "functionInput": list(parameters)}
    return [
        entry("PendingWorkerInvocation", invocation={"type": "ExportedFunction", **pending}),
        entry("ExportedFunctionInvoked", functionName=name, request=list(parameters), idempotencyKey=key),
        *inside,
        entry("ExportedFunctionCompleted", **({"response": result} if result else {}), consumedFuel=0),
    ]


def add_item(id, name, price, quantity):
    item = {"product-id": id, "name": name, "price": price, "quantity": quantity}
    log = entry("Log", level="Stdout", context="", message=f"Adding item Item {{ product_id: {id} }} to the cart\n")
    return item, invocation("add-item", value(ITEM, item), inside=[log])


def shopping_cart():
    """The oplog of Golem's shopping cart after the calls of its test."""
    golem, first = add_item("G1000", "Golem T-Shirt M", 100.0, 5)
    oracle, second = add_item("G1001", "Golem Cloud Subscription 1y", 999999.0, 1)
    mud, third = add_item("G1002", "Mud Golem", 11.0, 10)
    updating = entry("Log", level="Stdout", context="", message="Updating quantity of G1002 to 20\n")
    checkout = record(order_id=STRING)
    random = entry(
        "ImportedFunctionInvoked",
        functionName="random::get_random_bytes",
        request=value(record(len=U32), {"len": 16}),
        response=value(ResultType(BYTES, STRING), ("ok", bytes(range(16)))),
    )
    contents = value(ListType(ITEM), [golem, oracle, {**mud, "quantity": 20}])
    return [
        entry("Create"),
        *invocation("initialize-cart", value(STRING, "test-user-1")),
        *first,
        *second,
        *third,
        *invocation("update-item-quantity", value(STRING, "G1002"), value(U32, 20), inside=[updating]),
        *invocation("get-cart-contents", result=contents),
        *invocation("checkout", result=value(checkout, {"order-id": "o-1"}), inside=[random]),
    ]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("G1002", 7),
        ("imported-function", 1),
        ("product-id:G1001 OR product-id:G1000", 5),
        ("", 27),
        ("g1002 AND NOT log", 5),
        ('"g1002"', 0),
        ("exported-function", 14),
        ("log", 4),
        ("key-of-checkout", 2),
        ("name:/Mud G.lem$/", 3),
        ("price:11", 3),
        ("order-id:o", 1),
        ("golem:it", 0),
        (r"golem\:it", 14),
    ],
)
def test_the_shopping_cart_is_searched_as_golem_does(query, count):
    """The first three are Golem's own `search_oplog_1`."""
    assert len(found(query, *shopping_cart())) == count


SHAPES = VariantType((Case("dot"), Case("circle", record(radius=U32))))


@pytest.mark.parametrize(
    ("type", "of", "query", "is_found"),
    [
        (record(item=record(id=STRING)), {"item": {"id": "x"}}, "item.id:x", True),
        (record(item=record(id=STRING)), {"item": {"id": "x"}}, "Item.ID:X", True),
        (record(item=record(id=STRING)), {"item": {"id": "x"}}, "item:id:x", True),
        (record(item=record(id=STRING)), {"item": {"id": "x"}}, "id:x", False),
        (record(item=record(id=STRING)), {"item": {"id": "x"}}, "item:x", False),
        (record(item=record(id=STRING)), {"item": {"id": "x"}}, "x", True),
        (record(a=STRING, b=STRING), {"a": "x", "b": "y"}, "a:y", False),
        (ListType(record(id=STRING)), [{"id": "x"}], "id:x", True),
        (TupleType((STRING, U32)), ("x", 5), "1:5", True),
        (TupleType((STRING, U32)), ("x", 5), "0:5", False),
        (OptionType(STRING), "x", "x", True),
        (OptionType(STRING), None, "none", False),
        (ResultType(STRING, U32), ("ok", "x"), "ok:x", True),
        (ResultType(STRING, U32), ("err", 7), "err:7", True),
        (SHAPES, ("circle", {"radius": 3}), "circle.radius:3", True),
        (SHAPES, ("dot", None), "circle", False),
        (EnumType(("red", "green")), "red", '"red"', True),
        (FlagsType(("r", "w")), frozenset({"w"}), "w", True),
        (CHAR, "q", "q", True),
        (BOOL, True, "true", True),
        (F32, 11.0, "/^11$/", True),
        (F32, 11.0, '"11.0"', True),
        (BYTES, b"\x07\xff", "255", True),
        (HandleType("a#b", True), Handle("urn:worker:x", 1), "urn", False),
    ],
)
def test_values_are_found_by_their_parts(type, of, query, is_found):
    asked = entry("ExportedFunctionCompleted", response=value(type, of))

    assert parse_query(query).matches(asked) is is_found


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        ("boom", entry("Error", error="Boom!", retryFrom=3)),
        ("update 3", entry("PendingUpdate", targetVersion=3, description={"type": "Automatic"})),
        ("update AND divergence", entry("FailedUpdate", targetVersion=3, details="a divergence")),
        ("pending 3", entry("PendingWorkerInvocation", invocation={"type": "ManualUpdate", "targetVersion": 3})),
        ("cancel k", entry("CancelInvocation", idempotencyKey="k")),
        ("cancel-invocation", entry("CancelInvocation", idempotencyKey="k")),
        ("logger", entry("Log", level="Info", context="my.logger", message="")),
        ("audit", entry("ActivatePlugin", plugin={"installationId": "i", "pluginName": "audit"})),
        ("user:ann", entry("StartSpan", spanId="s", attributes=[{"key": "User", "value": {"value": "ann"}}])),
        ("user:ann", entry("SetSpanAttribute", spanId="s", key="user", value={"type": "String", "value": "ann"})),
        ("hostcall OR host-call", entry("HostCall", functionName="now")),
        ("noop", entry("NoOp")),
        ("a.b:5", entry("HostCall", request={"a": {"b": [4, 5]}})),
    ],
)
def test_names_keys_and_messages_are_searched(query, searched):
    assert parse_query(query).matches(searched)


@pytest.mark.parametrize(
    "fields", [{"invocation": 5}, {"request": None}, {"attributes": [5]}, {"key": "k", "value": 5}]
)
def test_entries_of_other_servers_may_have_any_shape(fields):
    assert not parse_query("nothing").matches(entry("Odd", **fields))
