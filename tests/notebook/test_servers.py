"""The magics over servers that answer as Golem 1.3 and 1.5 do, chosen by URL, environment, and profile."""

import json
from uuid import UUID

import pytest

from golem_nb.errors import GolemError, NotSupported, UsageError
from golem_nb.notebook.completion import complete
from golem_nb.notebook.session import Session
from tests.client.stand_ins import PROJECT, TOKEN, Golem13, Golem15, Listening
from tests.notebook.conftest import LEDGER


@pytest.fixture
def listen(monkeypatch):
    opened = []

    def listen(golem):
        opened.append(Listening(golem))
        return opened[-1].url

    monkeypatch.setenv("GOLEM_TOKEN", TOKEN)
    yield listen
    for listening in opened:
        listening.close()


@pytest.fixture
def profiles(monkeypatch, tmp_path):
    """Write a profile file and let it be the one that is read."""

    def write(content):
        (tmp_path / "config-v2.json").write_text(content if isinstance(content, str) else json.dumps(content))

    monkeypatch.setenv("GOLEM_CONFIG_DIR", str(tmp_path))
    return write


def profile(url, secret=TOKEN):
    return {"custom_url": url, "auth": {"Static": {"secret": secret}}}


def test_golem_1_3_from_deployment_to_events(notebook, listen):
    card = notebook.run(f"%golem remote {listen(Golem13())}")
    notebook.run(f"%golem_deploy counter {LEDGER}")
    value = notebook.run("%golem_invoke counter/w inc(5) --key k")
    workers = notebook.run("%golem_workers counter")
    log = notebook.run("%golem_oplog counter/w")
    events = notebook.run("%golem_connect counter/w --for 5")
    events.wait(timeout_s=5)

    with pytest.raises(GolemError, match="u32"):  # before anything is sent
        notebook.run("%golem_invoke counter/w inc(-1)")
    assert "Golem 1.3 (1.3.0)" in card.text()
    assert str(PROJECT) in card.text()
    assert TOKEN not in card.text() + card.html()
    assert value == 5
    assert list(workers["worker"]) == ["w"]
    assert list(log["kind"]) == [
        "Create",
        "ExportedFunctionInvoked",
        "ImportedFunctionInvoked",
        "ExportedFunctionCompleted",
        "SuccessfulUpdate",
    ]
    assert len(log.golem.invocations()) == 1
    assert "Hé" in "".join(events.df["message"].dropna())


def test_golem_1_5_is_read_and_steered_and_uploads_are_for_its_own_command(notebook, listen):
    golem = Golem15()
    golem.deploy("counter")
    card = notebook.run(f"%golem remote {listen(golem)}")
    value = notebook.run('%golem_invoke counter/counter("a/b",1) inc(5)')
    notebook.run('%golem_worker counter/counter("a/b",1) interrupt')
    workers = notebook.run("%golem_workers counter")
    log = notebook.run('%golem_oplog counter/counter("a/b",1)')
    events = notebook.run('%golem_connect counter/counter("a/b",1) --for 5')
    events.wait(timeout_s=5)

    assert "Golem 1.5 (1.5.9)" in card.text()
    assert value == 5
    assert list(workers["worker"]) == ['counter("a/b",1)']
    assert str(workers["status"][0]) == "Interrupted"
    assert list(log["kind"]) == [
        "Create",
        "PendingWorkerInvocation",
        "ExportedFunctionInvoked",
        "ImportedFunctionInvoked",
        "ExportedFunctionCompleted",
        "SuccessfulUpdate",
    ]
    assert list(log.golem.invocations()["function"]) == ["inc"]
    assert "plugin p: no" in list(events.df["message"])
    with pytest.raises(NotSupported, match="golem deploy"):
        notebook.run(f"%golem_deploy other {LEDGER}")


def test_an_environment_and_a_dialect_can_be_chosen(notebook, listen):
    golem = Golem15("9.9")
    golem.environments = ((UUID(int=1), "shop", "prod"), (UUID(int=2), "shop", "dev"))
    url = listen(golem)

    several = notebook.run(f"%golem remote {url}")
    chosen = notebook.run(f"%golem remote {url} --env {UUID(int=2)} --dialect 1.5")

    assert f"shop/dev ({UUID(int=2)})" in several.text()
    assert str(UUID(int=2)) in chosen.text()
    with pytest.raises(UsageError, match="dialect"):
        notebook.run(f"%golem remote {url} --dialect 1.2")


def test_the_environment_variable_names_the_server(notebook, listen, monkeypatch):
    url = listen(Golem13())
    monkeypatch.setenv("GOLEM_URL", url)

    card = notebook.run("%golem remote")

    assert url in card.text()
    assert "GOLEM_TOKEN" in card.text()


def test_a_profile_names_the_server_and_has_the_token(notebook, listen, profiles, monkeypatch):
    monkeypatch.delenv("GOLEM_TOKEN")
    url = listen(Golem13())
    content = {"profiles": {"mine": profile(url), "wrong": profile(url, "no-uuid")}, "default_profile": "mine"}
    profiles(content)

    default, named = notebook.run("%golem remote"), notebook.run("%golem remote --profile wrong")

    assert "Golem 1.3" in default.text()
    assert "the profile mine" in default.text()
    assert "does not take the token of the profile wrong" in named.text()
    assert TOKEN not in default.text() + default.html() + repr(default)
    assert "no-uuid" not in named.text()


def test_the_local_server_of_golems_command_needs_no_profile_in_the_file(notebook, profiles):
    profiles({"profiles": {}})

    assert "http://localhost:9881" in notebook.run("%golem remote").text()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("%golem remote", "config-v2.json is no JSON"),
        ("%golem remote --profile x", "config-v2.json is no JSON"),
        ("%golem remote http://a --profile x", "goes without URL"),
        ("%golem remote http://a http://b", "which server"),
    ],
)
def test_what_cannot_be_chosen_is_one_line(notebook, profiles, line, text):
    profiles("{")

    with pytest.raises(UsageError) as caught:
        notebook.run(line)
    assert text in str(caught.value)


def test_profiles_are_completed(profiles):
    profiles({"profiles": {"mine": profile("http://a")}})
    session = Session(print, print)

    assert complete(session, "%golem remote --profile m") == ("m", ["mine"])
    assert complete(session, "%golem remote --dialect 1.") == ("1.", ["1.3", "1.4", "1.5"])
