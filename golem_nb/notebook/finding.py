"""From what a user writes to what there is; the text of a failure names what is near."""

from __future__ import annotations

from difflib import get_close_matches
from uuid import UUID

from golem_nb.client.client import Client
from golem_nb.errors import ComponentNotFound, NotFound
from golem_nb.model import Component


def find_component(client: Client, name: str) -> Component:
    """Return the component of a name, or of an id.

    Raises:
        ComponentNotFound: There is none; the text names near ones.
    """
    try:
        return client.component(UUID(name)) if _is_uuid(name) else client.component_by_name(name)
    except NotFound:
        known = [component.name for component in client.components()]
        near = get_close_matches(name, known, 3)
        there = f"there are: {', '.join(known)}" if known else "there are none yet; %golem_deploy makes one"
        hint = f"did you mean {' or '.join(near)}?" if near else there
        raise ComponentNotFound(f"there is no component {name!r}; {hint}") from None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
