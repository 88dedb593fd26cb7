"""`%golem_components`: list, show, download, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from golem_nb.errors import UsageError
from golem_nb.notebook.magics.grammar import Option
from golem_nb.notebook.magics.verb import Request, Verb, one_target
from golem_nb.notebook.views import ComponentView

USAGE = "%golem_components [NAME]"


def run(request: Request) -> Any:
    name = one_target(request, USAGE)
    if name is None:
        from golem_nb.notebook.frames import components_frame

        if request.option("download") or request.option("delete"):
            raise UsageError(f"which component? Write: {USAGE}")
        components = request.session.client().components()
        for component in components:
            request.session.note(component)
        return components_frame(components)
    component = request.session.component(name)
    if request.option("delete"):
        if not request.option("yes"):
            raise UsageError(f"this deletes {component.name} and all its workers with their oplogs; add --yes")
        request.session.client().delete_component(component.id)
        request.session.say(f"deleted component {component.name}")
        return None
    if request.option("download"):
        version = int(request.number("version", component.version))
        path = Path(request.option("download")).expanduser()
        try:
            size = path.write_bytes(request.session.client().component_wasm(component.id, version))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        request.session.say(f"wrote version {version} of {component.name} to {path} ({size} bytes)")
        return None
    return ComponentView(component)


VERB = Verb(
    name="golem_components",
    summary="List the components; with a name, show one.",
    forms=(f"{USAGE} [--download PATH [--version N]] [--delete --yes]",),
    options=(
        Option("download", "write the wasm to PATH", "PATH"),
        Option("version", "which version to download (the latest)", "N"),
        Option("delete", "delete the component and all its workers; needs --yes"),
        Option("yes", "yes, delete"),
    ),
    examples=("%golem_components", "%golem_components cart --download cart.wasm --version 0"),
    run=run,
)
