from uuid import UUID

import pytest

from golem_nb.errors import BadInput, InvalidWorkerName
from golem_nb.model import LOCAL_ENVIRONMENT, WorkerId, check_worker_name, output_text, parse_uuid


@pytest.mark.parametrize("name", ["w", "a" * 512, 'Counter("c1")', "ß-1", "x-"])
def test_worker_names_may_be_nearly_anything(name):
    assert check_worker_name(name) == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "between 1 and 512"),
        ("a" * 513, "between 1 and 512"),
        ("ß" * 257, "between 1 and 512"),
        ("a b", "whitespaces"),
        ("a\u00a0b", "whitespaces"),
        ("a/b", "'/'"),
        ("-a", "start with '-'"),
        ("a\0", "control"),
        ("a\ud800", "lone surrogates"),
    ],
)
def test_bad_worker_names_are_refused_in_golems_words(name, text):
    with pytest.raises(InvalidWorkerName, match="Invalid worker name: Worker name must") as caught:
        check_worker_name(name)
    assert text in str(caught.value)


def test_a_worker_id_reads_as_golem_writes_it():
    assert str(WorkerId(UUID(int=1), "w")) == "00000000-0000-0000-0000-000000000001/w"


def test_what_is_no_uuid_is_refused():
    assert parse_uuid(str(UUID(int=5)), "x") == UUID(int=5)
    with pytest.raises(BadInput, match="x must be a UUID, found 'hello'"):
        parse_uuid("hello", "x")


@pytest.mark.parametrize("form", ["{{{0}}}", "urn:uuid:{0}", "{0.hex}", "{0}\n", " {0}", "{0}0"])
def test_a_uuid_has_one_form(form):
    """Python's own reading takes some of these, and would give one thing many names."""
    with pytest.raises(BadInput, match="must be a UUID"):
        parse_uuid(form.format(UUID(int=5)), "x")


def test_the_local_environment_is_the_same_for_ever():
    """Components of a data folder are found under it: it may never change."""
    assert str(LOCAL_ENVIRONMENT) == "afa9ff4a-ba53-5949-b7f5-b6571ad06a0e"


def test_what_was_logged_has_a_line_of_its_own_in_the_output():
    told = [("Stdout", "a"), ("Warn", "b"), ("Stderr", "c\n"), ("other", "d")]

    assert "".join(output_text(level, message) for level, message in told) == "a[Warn] b\nc\nd"
