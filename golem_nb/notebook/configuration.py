"""`%config GolemMagics`: what can be set once instead of on each line. Source: UX 2, "configuration".

The first of these that says something holds: `%config` (or ipython_config.py), `[tool.golem_nb]` of the pyproject.toml
nearest above the working directory, the environment (GOLEM_URL). Tokens are in environment variables only: a setting
would be printed.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

import traitlets
from IPython.core.magic import Magics

from golem_nb.client.connect import url_meant
from golem_nb.errors import UsageError
from golem_nb.notebook.magics.grammar import Target, near_or_all
from golem_nb.notebook.session import (
    MEMORY,
    MOST_LINES,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    InProcess,
    Local,
    Place,
    Remote,
    Session,
)

PROJECT_FILE = "pyproject.toml"


class Settings(Magics):  # type: ignore[misc]  # its package ships no types
    """The settings of the magics. Those of the server hold until `%golem local` or `%golem remote` chooses another."""

    target = traitlets.Unicode("", help="Server: a URL, or the folder of a local engine; empty = the user's own.").tag(
        config=True
    )
    token_env = traitlets.Unicode(TOKEN_VARIABLE, help="Environment variable that holds the token.").tag(config=True)
    environment_id = traitlets.Unicode("", help="Environment of the server; empty = the only one there.").tag(
        config=True
    )
    component = traitlets.Unicode("", help="Default component, as of `%golem use`.").tag(config=True)
    worker = traitlets.Unicode("", help="Default worker of the default component.").tag(config=True)
    timeout = traitlets.Float(0.0, min=0.0, help="Seconds that an answer is waited for; 0 = as usual.").tag(config=True)
    widgets = traitlets.Enum(
        ["auto", "on", "off", "output"],
        "auto",
        help="Live panes: auto = where somebody looks on; output = of plain ipywidgets, where others are not loaded.",
    ).tag(config=True)
    max_lines = traitlets.Int(MOST_LINES, min=1, help="Lines of output that a cell shows while it waits.").tag(
        config=True
    )
    short_errors = traitlets.Bool(True, help="Errors are one line; False = with their tracebacks.").tag(config=True)

    session: Session

    def apply_project(self, folder: Path) -> None:
        """Take the settings of the project that a folder belongs to, where nothing else says them.

        Raises:
            UsageError: One is none, or has another type.
        """
        given = self.shell.config.get("GolemMagics", {})
        found = project_settings(folder)
        known = sorted(self.trait_names(config=True))
        for name, value in found.items():
            if name not in known:
                raise UsageError(f"{PROJECT_FILE}, [tool.golem_nb]: {name} is no setting; {near_or_all(name, known)}")
            if name in given:
                continue
            try:
                setattr(self, name, value)
            except traitlets.TraitError as error:
                raise UsageError(f"{PROJECT_FILE}, [tool.golem_nb]: {error}") from None

    @traitlets.validate("target")  # type: ignore[untyped-decorator]
    def _is_target(self, proposal: Any) -> str:
        text = str(proposal["value"])
        if meant := url_meant(text):
            raise traitlets.TraitError(f"target {text!r} is no folder: did you mean {meant}?")
        return text

    @traitlets.validate("environment_id")  # type: ignore[untyped-decorator]
    def _is_environment(self, proposal: Any) -> str:
        text = str(proposal["value"])
        try:
            return str(UUID(text)) if text else ""
        except ValueError:
            raise traitlets.TraitError(f"environment_id must be a UUID, found {text!r}") from None

    @traitlets.observe("target", "token_env", "environment_id")  # type: ignore[untyped-decorator]
    def _server_changed(self, change: Any) -> None:
        self.session.turn_to(self.configured_place())

    @traitlets.observe("component", "worker")  # type: ignore[untyped-decorator]
    def _default_changed(self, change: Any) -> None:
        self.session.default = Target(self.component or None, self.worker or None)

    @traitlets.observe("timeout", "max_lines")  # type: ignore[untyped-decorator]
    def _limits_changed(self, change: Any) -> None:
        self.session.timeout_s, self.session.max_lines = self.timeout or None, self.max_lines

    def configured_place(self) -> Place | None:
        """Return the server that the settings name; None where they name none."""
        is_changed = self.environment_id or self.token_env != TOKEN_VARIABLE
        target = self.target or (os.environ.get(URL_VARIABLE, "") if is_changed else "")
        if target == MEMORY:
            return InProcess()
        if "://" not in target:
            return Local(Path(target).expanduser().absolute()) if target else None
        return Remote(target, self.token_env, UUID(self.environment_id) if self.environment_id else None)

    def apply(self) -> None:
        """Take what was set before there was a session."""
        self.session.place = self.configured_place()
        self._default_changed(None)
        self._limits_changed(None)


def project_settings(folder: Path) -> dict[str, Any]:
    """Return `[tool.golem_nb]` of the pyproject.toml nearest above a folder; nothing where there is none.

    Raises:
        UsageError: The file cannot be read.
    """
    for above in (folder, *folder.parents):
        path = above / PROJECT_FILE
        if path.is_file():
            try:
                content = tomllib.loads(path.read_text("utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                raise UsageError(f"{path} cannot be read: {error}") from None
            table = content.get("tool", {}).get("golem_nb", {})
            return dict(table) if isinstance(table, dict) else {}
    return {}
