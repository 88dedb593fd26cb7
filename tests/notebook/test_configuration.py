import pytest
import traitlets
from traitlets.config import Config

from golem_nb.errors import UsageError
from golem_nb.notebook.configuration import project_settings
from golem_nb.notebook.extension import load_ipython_extension, unload_ipython_extension
from golem_nb.notebook.session import Local, Remote

ENVIRONMENT = "11111111-1111-4111-8111-111111111111"


def session(notebook):
    return notebook.shell.magics_manager.registry["GolemMagics"].session


def test_a_server_and_a_target_are_chosen_once(notebook, tmp_path):
    notebook.run("%config GolemMagics.target = 'https://golem.example.org'")
    notebook.run(f"%config GolemMagics.environment_id = '{ENVIRONMENT}'")
    notebook.run("%config GolemMagics.component = 'shop'")
    notebook.run("%config GolemMagics.worker = 'ann'")
    found = session(notebook)

    assert (found.place.url, str(found.place.environment_id)) == ("https://golem.example.org", ENVIRONMENT)
    assert str(found.default) == "shop/ann"
    notebook.run(f"%config GolemMagics.target = '{tmp_path}'")
    assert found.place == Local(tmp_path)


def test_the_environments_server_has_the_settings_too(notebook, monkeypatch):
    monkeypatch.setenv("GOLEM_URL", "https://golem.example.org")
    notebook.run("%config GolemMagics.token_env = 'MINE'")

    assert session(notebook).place == Remote("https://golem.example.org", "MINE")


def test_limits_are_for_all_lines(notebook, ledger):
    notebook.run("%config GolemMagics.timeout = 30.0")
    notebook.run("%config GolemMagics.max_lines = 7")

    assert notebook.run(f"%golem_invoke {ledger}/w add(1)") == 1
    assert (session(notebook).timeout_s, session(notebook).max_lines) == (30.0, 7)


@pytest.mark.parametrize("name, value", [("timeout", -1.0), ("environment_id", "here"), ("widgets", "maybe")])
def test_what_no_setting_may_be_is_told_and_changes_nothing(notebook, caplog, name, value):
    magics = notebook.shell.magics_manager.registry["GolemMagics"]
    before = getattr(magics, name)
    notebook.run(f"%config GolemMagics.{name} = {value!r}")

    assert name in caplog.text
    assert getattr(magics, name) == before


def test_config_lists_all_settings_and_no_secret(notebook, monkeypatch):
    monkeypatch.setenv("GOLEM_TOKEN", "hush-hush")
    notebook.run("%config GolemMagics")

    assert all(f"GolemMagics.{name}=" in notebook.printed for name in ("target", "timeout", "max_lines", "token_env"))
    assert "hush-hush" not in notebook.printed


@pytest.fixture
def project(notebook, tmp_path, monkeypatch):
    """Load the extension again in a project with these settings, below its folder."""

    def load(table):
        (tmp_path / "pyproject.toml").write_text(f"[tool.golem_nb]\n{table}\n")
        (tmp_path / "work").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "work")
        unload_ipython_extension(notebook.shell)
        load_ipython_extension(notebook.shell)
        return notebook.shell.magics_manager.registry["GolemMagics"]

    return load


def test_a_project_has_settings(project):
    magics = project('component = "shop"\ntimeout = 5.0')

    assert (str(magics.session.default), magics.session.timeout_s) == ("shop", 5.0)


def test_what_ipython_is_configured_with_comes_first(project, notebook, monkeypatch):
    monkeypatch.setattr(notebook.shell, "config", Config({"GolemMagics": {"component": "bank"}}))

    assert str(project('component = "shop"\nworker = "ann"').session.default) == "bank/ann"


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("tiemout = 1", "tiemout is no setting; did you mean timeout"),
        ("widgets = 5", "widgets"),
        ("a = =", "cannot be read"),
    ],
)
def test_a_setting_of_a_project_that_is_none_is_told(project, notebook, table, fault):
    with pytest.raises(UsageError, match=fault):
        project(table)

    assert "GolemMagics" not in notebook.shell.magics_manager.registry
    assert not any(type(item).__name__ == "GolemMagics" for item in notebook.shell.configurables)


def test_without_a_project_there_are_none(tmp_path):
    assert project_settings(tmp_path) == {}


def test_an_address_without_its_beginning_is_no_folder(notebook):
    settings = notebook.shell.magics_manager.registry["GolemMagics"]

    with pytest.raises(traitlets.TraitError, match="did you mean http://localhost:9881"):
        settings.target = "localhost:9881"
