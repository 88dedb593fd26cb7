"""The components of an engine: deploy, look up, and link once for all workers of a version."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from golem_nb.authoring.program import program_in
from golem_nb.engine.runtimes import Runtimes
from golem_nb.errors import BadInput
from golem_nb.host.initialfiles import NONE as NO_FILES
from golem_nb.host.initialfiles import InitialFiles, checked_files
from golem_nb.model import Component, ComponentId, ComponentOptions, FileContent, InitialFile, SnapshotPolicy
from golem_nb.store.components import Components, VersionRow
from golem_nb.values.json import json_from_type, type_from_json
from golem_nb.values.types import FunctionType, Parameter
from golem_nb.wasm.link import LinkedComponent
from golem_nb.wasm.platform import Platform

NO_OPTIONS = ComponentOptions()
MOST_CONTENT_BYTES = 256 << 20  # of initial files that are kept at hand

Files = Mapping[str, FileContent]


class Deployments:
    def __init__(self, store: Components, platform: Platform, runtimes: Runtimes, now_us: Callable[[], int]) -> None:
        self._store, self._platform, self._runtimes, self._now_us = store, platform, runtimes, now_us
        self._linked: dict[str, LinkedComponent] = {}  # by SHA-256: equal bytes are linked once
        self._rows: dict[tuple[ComponentId, int], tuple[str, ComponentOptions]] = {}  # versions never change
        self._contents: dict[str, bytes] = {}  # of initial files, by SHA-256
        self._environments: dict[ComponentId, UUID] = {}  # a component stays where it is
        self._lock, self._contents_lock = threading.Lock(), threading.Lock()

    def create(
        self,
        environment_id: UUID,
        name: str,
        wasm: bytes,
        options: ComponentOptions = NO_OPTIONS,
        files: Files | None = None,
    ) -> Component:
        _check_name(name)
        options = replace(options, files=self._kept(files or {}))
        row = self._prepared(uuid4(), environment_id, name, wasm, options)
        self._store.create(row).result()
        return _component(row)

    def update(
        self,
        component_id: ComponentId,
        wasm: bytes,
        options: ComponentOptions | None = None,
        files: Files | None = None,
    ) -> Component:
        """Add a version; without options, with those of the one before it, and without files, with its files."""
        latest = self._store.latest(component_id)
        before = _options(latest)
        kept = before.files if files is None else self._kept(files)
        options = replace(before if options is None else options, files=kept)
        row = self._prepared(component_id, latest.environment_id, latest.name, wasm, options)
        version = self._store.add_version(row).result()
        return _component(self._store.version(component_id, version))

    def delete(self, component_id: ComponentId) -> None:
        self._store.latest(component_id)  # refuses one that does not exist
        self._store.delete(component_id).result()
        for known in [known for known in list(self._rows) if known[0] == component_id]:
            del self._rows[known]
        self._environments.pop(component_id, None)

    def latest(self, component_id: ComponentId) -> Component:
        return _component(self._store.latest(component_id))

    def version(self, component_id: ComponentId, version: int) -> Component:
        return _component(self._store.version(component_id, version))

    def by_name(self, environment_id: UUID, name: str) -> Component:
        return _component(self._store.by_name(environment_id, name))

    def beside(self, component_id: ComponentId, name: str) -> Component:
        """Return the component of this name in the environment of another one."""
        return self.by_name(self.environment_of(component_id), name)

    def environment_of(self, component_id: ComponentId) -> UUID:
        found = self._environments.get(component_id)
        if found is None:
            found = self._environments[component_id] = self._store.latest(component_id).environment_id
        return found

    def snapshot_policy(self, component_id: ComponentId) -> SnapshotPolicy | None:
        return self._store.snapshot_policy(component_id)

    def set_snapshot_policy(self, component_id: ComponentId, policy: SnapshotPolicy | None) -> None:
        self._store.set_snapshot_policy(component_id, policy).result()

    def in_environment(self, environment_id: UUID) -> list[Component]:
        return [_component(row) for row in self._store.in_environment(environment_id)]

    def wasm(self, component_id: ComponentId, version: int) -> bytes:
        return self._store.wasm(self._store.version(component_id, version).sha256)

    def linked(self, component_id: ComponentId, version: int) -> LinkedComponent:
        """Return the component version, ready to be instantiated."""
        sha256, options = self._row(component_id, version)
        key = _key(sha256, options)
        found = self._linked.get(key)
        return found if found is not None else self._link(key, self._store.wasm(sha256), options)

    def options(self, component_id: ComponentId, version: int) -> ComponentOptions:
        """Return what a version has besides its wasm."""
        return self._row(component_id, version)[1]

    def options_text(self, component_id: ComponentId, version: int) -> str:
        """Return the same as text, which is equal for versions that are."""
        return msgspec.json.encode(self.options(component_id, version), order="sorted").decode()

    def initial_files(self, component_id: ComponentId, version: int) -> InitialFiles:
        """Return the files that a version gives its workers.

        Raises:
            ComponentNotFound: There is no such version, or a file is missing or damaged.
        """
        options = self.options(component_id, version)
        if not options.files:
            return NO_FILES
        made_at_ns = self._store.version(component_id, version).created_at_us * 1000
        return InitialFiles({f.path: (f, self.file_content(f.sha256)) for f in options.files}, made_at_ns)

    def file_content(self, sha256: str) -> bytes:
        """Return what is in an initial file; workers share it."""
        with self._contents_lock:
            data = self._contents.get(sha256)
            if data is None:
                data = self._store.files.read(sha256)
                if sum(map(len, self._contents.values())) + len(data) > MOST_CONTENT_BYTES:
                    self._contents.clear()
                self._contents[sha256] = data
            return data

    def _kept(self, files: Files) -> tuple[InitialFile, ...]:
        """Store the contents of files, and return what is told of them, by path."""
        return tuple(
            InitialFile(path, self._store.files.keep(file.data), len(file.data), file.is_read_only)
            for path, file in sorted(checked_files(files).items())
        )

    def _row(self, component_id: ComponentId, version: int) -> tuple[str, ComponentOptions]:
        found = self._rows.get((component_id, version))
        if found is None:
            row = self._store.version(component_id, version)
            found = self._rows[component_id, version] = (row.sha256, _options(row))
        return found

    def _link(self, key: str, wasm: bytes, options: ComponentOptions) -> LinkedComponent:
        with self._lock:
            found = self._linked.get(key)
            if found is None:
                found = self._linked[key] = self._made(wasm, options)
            return found

    def _made(self, wasm: bytes, options: ComponentOptions) -> LinkedComponent:
        program = program_in(wasm)
        if program is not None:
            return self._runtimes.linked(program, options.runtime)
        return self._platform.link(wasm, options.dynamic_linking)

    def _prepared(
        self, component_id: ComponentId, environment_id: UUID, name: str, wasm: bytes, options: ComponentOptions
    ) -> VersionRow:
        """Compile and link (which refuses what cannot run here), and keep the bytes; return the row of version 0."""
        program = program_in(wasm)
        options = replace(options, runtime="" if program is None else self._runtimes.current(program.language))
        linked = self._made(wasm, options)
        sha256 = self._store.keep_wasm(wasm)
        with self._lock:
            self._linked.setdefault(_key(sha256, options), linked)
        exports = json.dumps([_json_from_function(f) for f in linked.compiled.exports])
        kept = msgspec.json.encode(options).decode()
        return VersionRow(component_id, environment_id, name, 0, sha256, len(wasm), self._now_us(), exports, kept)


def _key(sha256: str, options: ComponentOptions) -> str:
    """Return by what a component is linked once."""
    return f"{sha256} {options.runtime} {options.dynamic_linking or ''}"


def _check_name(name: str) -> None:
    if not name or name != name.strip() or len(name) > 512 or not name.isprintable():
        raise BadInput(
            f"a component's name has 1 to 512 printable characters and no blanks around it, found {name[:80]!r}"
        )


# Made before threads are: the first use of a type examines it, which msgspec does not survive in two threads at once.
_options_decoder = msgspec.json.Decoder(ComponentOptions)


def _component(row: VersionRow) -> Component:
    exports = tuple(_function_from_json(f) for f in json.loads(row.exports))
    created_at = datetime.fromtimestamp(row.created_at_us / 1e6, UTC)
    return Component(row.component_id, row.name, row.version, row.size, created_at, exports, row.sha256, _options(row))


def _options(row: VersionRow) -> ComponentOptions:
    return _options_decoder.decode(row.options)


def _json_from_function(function: FunctionType) -> dict[str, object]:
    return {
        "name": function.name,
        "parameters": [[p.name, json_from_type(p.type), p.is_json, p.default] for p in function.parameters],
        "result": None if function.result is None else json_from_type(function.result),
        "docs": function.docs,
    }


def _function_from_json(json: dict[str, object]) -> FunctionType:
    parameters: Sequence[Sequence[Any]] = json["parameters"]  # type: ignore[assignment]
    result = None if json["result"] is None else type_from_json(json["result"])
    return FunctionType(
        str(json["name"]),
        tuple(Parameter(n, type_from_json(t), *rest) for n, t, *rest in parameters),
        result,
        str(json["docs"]),
    )
