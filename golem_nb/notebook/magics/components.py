"""`%golem_components`: list, show, download, delete; when its workers are asked for snapshots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from golem_nb.client.client import Client
from golem_nb.errors import NotSupported, UsageError
from golem_nb.model import Component, SnapshotPolicy
from golem_nb.notebook.magics.grammar import Option, Target
from golem_nb.notebook.magics.verb import Request, Verb, one_target
from golem_nb.notebook.views import ComponentView

USAGE = "%golem_components [NAME]"


def run(request: Request) -> Any:
    name = one_target(request, USAGE)
    request.exclude("download", "delete", "snapshot-every")
    for option, other in (("version", "download"), ("yes", "delete")):
        if request.option(option) and not request.option(other):
            raise UsageError(f"--{option} goes with --{other}")
    if name is None:
        from golem_nb.notebook.frames import components_frame

        if any(request.option(name) for name in ("download", "delete", "snapshot-every")):
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
        request.session.unlearn(Target(component.name))
        request.session.say(f"deleted component {component.name}")
        return None
    if request.option("download"):
        asked = request.whole_number("version")
        version = component.version if asked is None else asked
        path = Path(request.option("download")).expanduser()
        try:
            size = path.write_bytes(request.session.client().component_wasm(component.id, version))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        request.session.say(f"wrote version {version} of {component.name} to {path} ({size} bytes)")
        return None
    client = request.session.client()
    if request.option("snapshot-every"):
        policy = read_policy(request.option("snapshot-every"))
        client.set_snapshot_policy(component.id, policy)
        news = "snapshots from now on" if policy else "no snapshots any more"
        return ComponentView(component, f"version {component.version}; {news}", policy)
    return ComponentView(component, snapshots=_policy(client, component))


def _policy(client: Client, component: Component) -> SnapshotPolicy | None:
    try:
        return client.snapshot_policy(component.id)
    except NotSupported:  # another server's component is shown all the same
        return None


def read_policy(words: list[str]) -> SnapshotPolicy | None:
    """Return the policy of `100` (invocations), `60s`, both of them, or `never` (None).

    Raises:
        UsageError: A word is none of these, or one of a sort is given twice.
    """
    if words == ["never"]:
        return None
    counts = [word for word in words if re.fullmatch(r"[0-9]{1,18}", word)]
    times = [word for word in words if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?s", word)]
    if len(counts) + len(times) < len(words) or max(len(counts), len(times)) > 1:
        raise UsageError(
            f"--snapshot-every {' '.join(words)}: write a number of invocations (100), seconds (60s), or never"
        )
    policy = SnapshotPolicy(
        every_invocations=int(counts[0]) if counts else None, every_s=float(times[0][:-1]) if times else None
    )
    if 0 in (policy.every_invocations, policy.every_s):
        raise UsageError("--snapshot-every 0 would never end; `never` takes the policy away")
    return policy


VERB = Verb(
    name="golem_components",
    summary="List the components; with a name, show one.",
    forms=(
        f"{USAGE} [--download PATH [--version N]] [--delete --yes]",
        "%golem_components NAME --snapshot-every 100 | 60s | never",
    ),
    options=(
        Option("download", "write the wasm to PATH", "PATH"),
        Option("version", "which version to download (the latest)", "N"),
        Option(
            "snapshot-every",
            "snapshots of its workers: after so many invocations, or seconds, or both",
            "N|Ss|never",
            many=True,
        ),
        Option("delete", "delete the component and all its workers; needs --yes"),
        Option("yes", "yes, delete"),
    ),
    examples=(
        "%golem_components",
        "%golem_components cart --download cart.wasm --version 0",
        "%golem_components cart --snapshot-every 100",
    ),
    run=run,
)
