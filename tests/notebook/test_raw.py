import json

import pytest

from golem_nb.errors import NotSupported, UsageError
from golem_nb.notebook.raw import JsonList, JsonObject, answer_of, check_answers, shown
from tests.notebook.fake import FakeClient


def test_the_answer_that_a_magic_is_about_is_shown():
    answers = [("getComponentByName", {"a": 1}), ("invokeAndAwaitFunction", {"b": 2}), ("getWorkerMetadata", {"c": 3})]

    assert shown("golem_invoke", answers) == {"b": 2}
    assert shown("golem_worker", answers) == {"c": 3}
    assert shown("golem_crash", answers) == {"c": 3}
    assert shown("golem_crash", []) is None


def test_pages_and_lines_are_one_list():
    assert shown("golem_workers", [("getWorkersMetadata", {"p": 1}), ("getWorkersMetadata", {"p": 2})]) == [
        {"p": 1},
        {"p": 2},
    ]
    assert shown("golem_oplog", [("streamOplog", {"e": 1})]) == [{"e": 1}]


def test_json_is_shown_as_such_and_escaped_and_cut():
    short, long = JsonObject({"a": "<b>"}), JsonList(["x" * 30_000])

    assert repr(short) == '{\n  "a": "<b>"\n}'
    assert "<b>" not in short._repr_mimebundle_()["text/html"]
    assert len(repr(long)) < 21_000 and "more characters" in repr(long)


def test_what_has_no_answer_of_a_server_says_so():
    with pytest.raises(UsageError, match="--json is not for %golem_connect"):
        check_answers("golem_connect", ("w",), is_of_file=False)
    for magic, words, is_of_file in (("golem_crash", ("w", "f()"), False), ("golem_replay", ("file",), True)):
        with pytest.raises(UsageError, match="--json is not for this"):
            check_answers(magic, words, is_of_file)
    with pytest.raises(NotSupported, match="in this process"):
        answer_of("golem_worker", FakeClient(), list)


def test_the_servers_own_json_is_returned(notebook, ledger):
    invoked = notebook.run(f"%golem_invoke {ledger}/w add(5) --json --key k")
    worker = notebook.run(f"%golem_worker {ledger}/w --json --out w")
    component = notebook.run(f"%golem_components {ledger} --json")
    components = notebook.run("%golem_components --json")
    workers = notebook.run(f"%golem_workers {ledger} --json")
    oplog = notebook.run(f"%golem_oplog {ledger}/w --json")

    assert invoked["result"]["value"] == 5
    assert worker["componentVersion"] == 0 and notebook.names["w"] is worker
    assert component["componentName"] == ledger and isinstance(components, list | dict)
    assert "workers" in workers
    assert [line["oplogIndex"] for line in oplog][:2] == [1, 2]
    assert json.loads(repr(worker)) == worker
