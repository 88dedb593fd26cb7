"""A component's bytes, options and files -> the parts of an upload, in each dialect. Source: CONTRACT, part 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from golem_nb.errors import NotSupported
from golem_nb.model import Component, ComponentOptions, ComponentType, FileContent, clean_path
from golem_nb.wire.dialects import Dialect, Upload
from golem_nb.wire.files import PERMISSIONS, parts_from_files, permissions
from golem_nb.wire.options import ENV, LINKS, TYPE, json_from_options, parts_from_options

File = tuple[str, bytes, str]  # the name of a file, what is in it, and its type


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an upload: files, texts, and texts that are JSON, which say so as OpenAPI has it of objects."""

    files: Mapping[str, File]
    texts: Mapping[str, str]
    jsons: Mapping[str, str]


def parts_of_creation(
    dialect: Dialect,
    name: str,
    container_id: UUID | None,
    wasm: bytes,
    options: ComponentOptions | None,
    files: Mapping[str, FileContent] | None,
) -> Parts:
    """Return what makes a component. The container stands in the parts where it does not stand in the path."""
    upload = dialect.create
    facts: dict[str, Any] = {upload.name: name}
    if upload.container is not None and container_id is not None:
        facts[upload.container] = str(container_id)
    return _parts(dialect, upload, facts, wasm, options, files)


def parts_of_update(
    dialect: Dialect,
    before: Component | None,
    wasm: bytes,
    options: ComponentOptions | None,
    files: Mapping[str, FileContent] | None,
) -> Parts:
    """Return what adds a version; `before` is the latest one, for servers that insist on being told."""
    upload = dialect.update
    facts: dict[str, Any] = {}
    if upload.revision is not None and before is not None:
        facts[upload.revision] = before.version
        # There, files are added to those of the version before; here they replace them.
        if files is not None:
            paths = {clean_path(path) for path in files}
            facts["removedFiles"] = [file.path for file in before.options.files if file.path not in paths]
    return _parts(dialect, upload, facts, wasm, options, files)


def _parts(
    dialect: Dialect,
    upload: Upload,
    facts: Mapping[str, Any],
    wasm: bytes,
    options: ComponentOptions | None,
    files: Mapping[str, FileContent] | None,
) -> Parts:
    if options is not None and not upload.takes_type and options.type is not ComponentType.DURABLE:
        raise NotSupported(f"{dialect.title} knows no {str(options.type).lower()} components")
    uploads, permitted = {upload.wasm: ("component.wasm", wasm, "application/wasm")}, {}
    if files is not None:
        archive, permitted[PERMISSIONS] = parts_from_files(files)
        uploads[upload.files] = ("files.zip", archive, "application/zip")
    texts, jsons = {}, {}
    if upload.file_options is not None:
        facts = {**facts, **_option_facts(options), **_file_facts(upload.file_options, files)}
    else:
        jsons = {**_option_texts(upload, options), **permitted}
        texts = {TYPE: jsons.pop(TYPE)} if TYPE in jsons else {}
    if upload.facts is None:
        return Parts(uploads, {**texts, **{name: str(value) for name, value in facts.items()}}, jsons)
    return Parts(uploads, texts, {**jsons, upload.facts: json.dumps(facts)})


def _option_facts(options: ComponentOptions | None) -> dict[str, Any]:
    told = {} if options is None else json_from_options(options)
    return {key: told[key] for key in (ENV, LINKS) if key in told}


def _file_facts(name: str, files: Mapping[str, FileContent] | None) -> dict[str, Any]:
    if files is None:
        return {}
    return {name: {clean_path(path): {"permissions": permissions(f.is_read_only)} for path, f in files.items()}}


def _option_texts(upload: Upload, options: ComponentOptions | None) -> dict[str, str]:
    if options is None:
        return {}
    wrapped = {} if upload.env is None else {ENV: json.dumps({upload.env: dict(options.env)})}
    return {**parts_from_options(options), **wrapped}
