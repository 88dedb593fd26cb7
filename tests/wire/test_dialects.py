import pytest

from golem_nb.wire.dialects import (
    CONTRACT,
    DIALECTS,
    GOLEM_1_3,
    GOLEM_1_4,
    GOLEM_1_5,
    dialect_of_version,
    is_number,
    is_unknown,
    who_has,
)


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        ("golem_nb 0.1.0", CONTRACT),
        ("1.3.0", GOLEM_1_3),
        ("v1.3.14-rc1", GOLEM_1_3),
        ("1.4", GOLEM_1_4),
        ("1.5.9", GOLEM_1_5),
        ("1.6.0", GOLEM_1_5),
        ("2.0.1", GOLEM_1_5),
        ("0.0.0-dev", GOLEM_1_5),
        ("1.2.5", None),
        ("0.9.1", None),
        ("string", None),
        ("", None),
    ],
)
def test_a_version_names_its_dialect(version, dialect):
    assert dialect_of_version(version) is dialect


def test_what_is_newer_than_all_known_is_a_guess():
    assert [is_unknown(v) for v in ("1.5.9", "1.6.0", "0.0.0", "1.2.0", "string")] == [False, True, True, False, False]
    assert [is_number(v) for v in ("1.2.5", "string", "1", "v2.0")] == [True, False, False, True]


def test_who_has_an_operation_is_told():
    assert who_has("deleteComponent") == [CONTRACT, GOLEM_1_4, GOLEM_1_5]
    assert who_has("simulateCrash") == [CONTRACT]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_table_is_whole(dialect):
    """What tables say of operations fits together: who uploads says how, who must name a revision can ask for it."""
    assert set(dialect.operations) >= {"version", "healthcheck", "getComponent", "invokeFunction"}
    assert set(dialect.instead).isdisjoint(dialect.operations)
    if "createComponent" in dialect.operations:
        paths = dialect.operations["createComponent"].path
        assert ("{environment_id}" in paths) is (dialect.create.container is None)
    assert ("{environment_id}" in dialect.operations["listEnvironmentComponents"].path) is not dialect.is_name_a_filter
    if dialect is not CONTRACT:
        assert dialect.container is not None
        assert dialect.most_entries == 100
