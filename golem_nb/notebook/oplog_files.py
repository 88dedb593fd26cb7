"""Oplog frames in files, and back: JSON lines as the API has them, Parquet and Arrow for other tools.

In Parquet and Arrow a column has one shape, and the payloads of an oplog have many: `request`, `response` and `raw` are
JSON text there. Reading such a file makes Python values of them again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from golem_nb.errors import BadInput, NotSupported, UsageError
from golem_nb.model import PublicEntry, text_from_timestamp, timestamp_from_text
from golem_nb.notebook.frames import OPLOG_COLUMNS, oplog_frame
from golem_nb.notebook.payloads import PayloadReader, part_of, value_in_json, without_collection
from golem_nb.notebook.tables import GolemFrame

_PAYLOADS = ("request", "response", "raw")
_ATTRS = b"golem"


def jsonl_from_oplog(frame: pd.DataFrame) -> str:
    """Return the entries as JSON lines, each as the API sends it. Moments have milliseconds there."""
    lines = []
    moments = frame["timestamp"].dt.to_pydatetime()
    for index, kind, at, raw in zip(frame.index.tolist(), frame["kind"], moments, frame["raw"], strict=True):
        entry = {"type": kind, "timestamp": text_from_timestamp(at), **raw}
        lines.append(json.dumps({"oplogIndex": index, "entry": entry}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def oplog_from_jsonl(file: str | Path) -> pd.DataFrame:
    """Read JSON lines, one entry each: `{"oplogIndex": …, "entry": …}`, or `[index, entry]` as newer Golems have it.

    Raises:
        UsageError: There is no such file.
        BadInput: A line is no entry.
    """
    path = _existing(file)
    with without_collection():
        return oplog_frame(_entries(path), component=path.stem)


def _entries(path: Path) -> Iterator[PublicEntry]:
    with using(path, "read"), path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found = msgspec.json.decode(line)
                index, entry = found if isinstance(found, list) else (found["oplogIndex"], found["entry"])
                fields = {key: value for key, value in entry.items() if key not in ("type", "timestamp")}
                kind, at = entry["type"], timestamp_from_text(entry["timestamp"])
                if type(index) is not int or not 0 < index < 1 << 63 or not isinstance(kind, str):
                    raise ValueError(f"index {index!r:.40}, type {kind!r:.40}")
                yield PublicEntry(index, kind, at, fields)
            except (msgspec.DecodeError, BadInput, KeyError, TypeError, ValueError, AttributeError) as error:
                raise BadInput(f"{path}, line {number} is no entry of an oplog: {error}") from None


def arrow_from_oplog(frame: pd.DataFrame) -> Any:
    """Return an Arrow table.

    Raises:
        NotSupported: pyarrow is not installed.
    """
    arrow = _pyarrow()
    flat = frame.copy(deep=False)
    with without_collection():
        flat["request"] = _texts(_request_of(raw) for raw in frame["raw"])
        flat["response"] = _texts(raw.get("response") for raw in frame["raw"])
        flat["raw"] = pd.array(_texts_of_raw(frame["raw"]), dtype="str")
        flat.attrs = {}
        table = arrow.Table.from_pandas(flat)
    attrs = json.dumps(frame.attrs.get("golem", {})).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _ATTRS: attrs})


def write_parquet(frame: pd.DataFrame, file: str | Path) -> Path:
    """Write a frame as Parquet; return where.

    Raises:
        NotSupported: pyarrow is not installed.
        UsageError: The file cannot be written.
    """
    table, path = arrow_from_oplog(frame), Path(file).expanduser()
    from pyarrow import parquet

    with using(path, "written"):
        parquet.write_table(table, path, compression="zstd")
    return path


@contextmanager
def using(path: Path, how: str) -> Iterator[None]:
    """Say of a file that cannot be `how` (read, written) why.

    Raises:
        UsageError: It cannot.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be {how}: {os.strerror(error.errno) if error.errno else error}") from None


def oplog_from_parquet(file: str | Path) -> pd.DataFrame:
    """Read what `write_parquet` wrote.

    Raises:
        NotSupported: pyarrow is not installed.
        UsageError: There is no such file.
        BadInput: It holds no oplog frame.
    """
    arrow, path = _pyarrow(), _existing(file)
    from pyarrow import parquet

    try:
        with using(path, "read"):
            table = parquet.read_table(path)
    except arrow.ArrowInvalid:
        raise BadInput(f"{path} is no Parquet file") from None
    if not set(OPLOG_COLUMNS) <= set(table.column_names):
        raise BadInput(f"{path} holds no oplog; .golem.to_parquet of an oplog frame writes one")
    try:
        return _frame_of(table)
    # What is not as we write it shows in one of these ways.
    except (arrow.ArrowException, msgspec.DecodeError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadInput(f"{path} holds no oplog as .golem.to_parquet writes it: {error}") from None


def _frame_of(table: Any) -> pd.DataFrame:
    read = PayloadReader()
    with without_collection():
        frame = GolemFrame(table.drop_columns(["request", "response"]).to_pandas())
        raws = [msgspec.json.decode(text) for text in frame["raw"]]
        payloads = {
            "raw": raws,
            "request": [read(_request_of(raw)) for raw in raws],
            "response": [read(raw.get("response")) for raw in raws],
        }
        for name, values in payloads.items():
            frame[name] = pd.Series(values, index=frame.index, dtype="object")
    frame = frame[list(OPLOG_COLUMNS)]
    frame["timestamp"] = frame["timestamp"].dt.as_unit("us")
    frame.attrs["golem"] = json.loads((table.schema.metadata or {}).get(_ATTRS, b"{}"))
    return frame


def read_oplog(file: str | Path) -> pd.DataFrame:
    """Read an oplog from a file, by its ending: `.parquet`, `.jsonl` or `.ndjson`.

    Raises:
        UsageError: It has another ending, or there is no such file.
        BadInput: It holds no oplog.
        NotSupported: It is Parquet, and pyarrow is not installed.
    """
    readers = {".parquet": oplog_from_parquet, ".jsonl": oplog_from_jsonl, ".ndjson": oplog_from_jsonl}
    reader = readers.get(Path(file).suffix.lower())
    if reader is None:
        raise UsageError(f"{file} ends in none of {', '.join(readers)}: it cannot be told what is in it")
    return reader(file)


def _request_of(raw: Any) -> Any:
    called = part_of(raw, "invocation") or raw
    return called.get("functionInput", raw.get("request"))


def _texts(payloads: Iterable[Any]) -> Any:
    encode = msgspec.json.encode
    texts = [None if json is None else encode(value_in_json(json)).decode() for json in payloads]
    return pd.array(texts, dtype="str")


def _texts_of_raw(raws: Iterable[Any]) -> list[str]:
    encode = msgspec.json.encode
    return [encode(raw).decode() for raw in raws]


def _existing(file: str | Path) -> Path:
    path = Path(file).expanduser()
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    return path


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise NotSupported("this needs pyarrow, which is not installed: pip install 'golem-nb[arrow]'") from None
    return pyarrow
