"""The thin component: a program in Python as a component of its own, without the runtime that it runs on.

It is valid WebAssembly: the head of an empty component, and one custom section with JSON. So it is uploaded, kept and
downloaded like any other. Which runtime it gets is the engine's to say: it names only the version of their interface.
Source: ARCHITECTURE, decision 18.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from golem_nb.errors import ComponentRejected
from golem_nb.wasm.sections import custom_section, number

SECTION = b"golem-nb:program"
HEAD = b"\0asm\x0d\0\x01\0"
PYTHON, JAVASCRIPT = "python", "javascript"
RUNTIME_API = 1  # of the guest's world; a runtime serves one


@dataclass(frozen=True, slots=True)
class Program:
    """`modules` are sources beside the program's own, by dotted name: is it a package, and its text."""

    source: str
    name: str = "worker"
    modules: Mapping[str, tuple[bool, str]] = field(default_factory=dict)
    runtime_api: int = RUNTIME_API
    language: str = PYTHON
    docs: Mapping[str, str] = field(default_factory=dict)
    """By function, where the runtime cannot read them in the source."""

    @property
    def text(self) -> str:
        """What the runtime is given."""
        given: dict[str, object] = {"source": self.source, "name": self.name, "modules": dict(self.modules)}
        return json.dumps(given | ({"docs": dict(self.docs)} if self.docs else {}))


def component_from_program(program: Program) -> bytes:
    body = json.dumps(
        {
            "language": program.language,
            "runtimeApi": program.runtime_api,
            "name": program.name,
            "source": program.source,
            "modules": dict(program.modules),
            **({"docs": dict(program.docs)} if program.docs else {}),
        }
    ).encode()
    return HEAD + custom_section(SECTION, body)


def program_in(wasm: bytes) -> Program | None:
    """Return the program that a component is; None where it is another component.

    Raises:
        ComponentRejected: It says that it is one, and is broken or for a later engine.
    """
    body = _section(wasm)
    if body is None:
        return None
    try:
        found = json.loads(body)
        modules = {str(name): (bool(of[0]), str(of[1])) for name, of in found["modules"].items()}
        docs = {str(name): str(text) for name, text in found.get("docs", {}).items()}
        language, api = str(found["language"]), int(found["runtimeApi"])
        program = Program(str(found["source"]), str(found["name"]), modules, api, language, docs)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ComponentRejected(f"the program in this component cannot be read: {error!r}") from None
    if language not in (PYTHON, JAVASCRIPT) or api != RUNTIME_API:
        raise ComponentRejected(
            f"this program is written in {language} for runtimes {api}; here are those for "
            f"{PYTHON} and {JAVASCRIPT} {RUNTIME_API}: deploy it with the golem_nb that made it, or update this one"
        )
    return program


def _section(wasm: bytes) -> bytes | None:
    """Return what the section holds, where the component has nothing else."""
    if not wasm.startswith(HEAD + b"\0"):
        return None
    size, begin = number(wasm, len(HEAD) + 1)
    length, name = number(wasm, begin)
    if size is None or length is None or begin + size != len(wasm) or wasm[name : name + length] != SECTION:
        return None
    return wasm[name + length :]
