"""WorkerEvent <-> one text message of the WebSocket.

There are two forms. The contract's is flat; in Golem's own the single key of an object names the event:
`{"StdOut": {"timestamp": …, "bytes": […]}}`. We write either, and `EventReader` reads both. Source: the contract's
AsyncAPI document; SEMANTICS 9.1, 9.2.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from golem_nb.errors import BadInput
from golem_nb.model import EventType, WorkerEvent, text_from_timestamp, timestamp_from_text
from golem_nb.wire.reading import read_list, reading

_TYPES = {str(type): type for type in EventType}


def json_from_event(event: WorkerEvent) -> dict[str, Any]:
    """Return the message; keys without a value are left out, as the contract knows no null."""
    message: dict[str, Any] = {"type": str(event.type), "timestamp": text_from_timestamp(event.timestamp)}
    if event.message is not None:
        message["message"] = event.message
    if event.level is not None:
        message["level"] = event.level
    if event.context:
        message["context"] = dict(event.context)
    return message


def golem_json_from_event(event: WorkerEvent) -> dict[str, Any]:
    """Return the message in the form of Golem 1.3: the notice of lost events is a kind of its own there."""
    if "missedMessages" in event.context:
        return {"ClientLagged": {"number_of_missed_messages": event.context["missedMessages"]}}
    timestamp = text_from_timestamp(event.timestamp)
    match event.type:
        case EventType.STDOUT | EventType.STDERR:
            body: dict[str, Any] = {"timestamp": timestamp, "bytes": list((event.message or "").encode())}
        case EventType.LOG:
            context = event.context.get("context", "")
            body = {"timestamp": timestamp, "level": event.level, "context": context, "message": event.message or ""}
        case _:
            function, key = event.context.get("function", ""), event.context.get("idempotencyKey", "")
            body = {"timestamp": timestamp, "function": function, "idempotency_key": key}
    return {str(event.type): body}


# By what a client asks for with `?format=`.
FORMS: Mapping[str, Callable[[WorkerEvent], dict[str, Any]]] = {
    "contract": json_from_event,
    "golem": golem_json_from_event,
}


def missed_event(count: int, timestamp: datetime) -> WorkerEvent:
    """Return the notice that a slow reader lost `count` events."""
    return WorkerEvent(EventType.LOG, timestamp, f"{count} messages missed", "Warn", {"missedMessages": count})


def broken_event(broke_at: datetime, again_at: datetime) -> WorkerEvent:
    """Return the notice that a stream was cut off for a while: what happened meanwhile may be missing."""
    start, end = text_from_timestamp(broke_at), text_from_timestamp(again_at)
    text = f"the connection broke and was made again; events between {start} and {end} may be missing"
    return WorkerEvent(EventType.LOG, again_at, text, "Warn", {"missedFrom": start, "missedTo": end})


class EventReader:
    """Reads the messages of one connection, in order.

    Golem cuts output anywhere, also inside a character; one decoder per stream keeps the rest for the next message.
    """

    def __init__(self) -> None:
        new = codecs.getincrementaldecoder("utf-8")
        self._decoders = {EventType.STDOUT: new("replace"), EventType.STDERR: new("replace")}

    def read(self, text: str | bytes) -> WorkerEvent | None:
        """Return the event, or None for one of a kind that we do not know.

        Raises:
            BadInput: The message is not JSON, or lacks what its kind must have.
        """
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise BadInput(f"not an event: {text[:80]!r}") from None
        if not isinstance(message, Mapping):
            raise BadInput(f"not an event: {text[:80]!r}")
        if "type" in message:
            return _flat(message)
        if len(message) != 1:
            return None
        kind, body = next(iter(message.items()))
        return self._tagged(kind, body) if isinstance(body, Mapping) else None

    def _tagged(self, kind: str, body: Mapping[str, Any]) -> WorkerEvent | None:
        if kind == "ClientLagged":
            return missed_event(body.get("number_of_missed_messages", 0), datetime.now(UTC))
        if kind in _TOLD:
            return _told(kind, body)
        if kind not in _TYPES:
            return None
        type, timestamp = _TYPES[kind], timestamp_from_text(body.get("timestamp"))
        match type:
            case EventType.STDOUT | EventType.STDERR:
                return WorkerEvent(type, timestamp, self._decoders[type].decode(_bytes(body.get("bytes"))))
            case EventType.LOG:
                context = {"context": body["context"]} if body.get("context") else {}
                return WorkerEvent(type, timestamp, _text(body.get("message", "")), _text(body.get("level")), context)
        context = {"function": body.get("function", ""), "idempotencyKey": body.get("idempotency_key", "")}
        return WorkerEvent(type, timestamp, context=context)


# Kinds that Golem 1.5 adds: how serious they are, and what they say. They become logs, since the contract has no word.
_TOLD = {
    "PluginError": ("Error", "plugin {plugin_name}: {message}"),
    "SnapshotRecoverySucceeded": ("Info", "recovered from the snapshot at {snapshot_index}"),
    "SnapshotRecoveryFailed": ("Warn", "recovery from the snapshot at {snapshot_index} failed: {error}"),
}


def _told(kind: str, body: Mapping[str, Any]) -> WorkerEvent:
    level, template = _TOLD[kind]
    named = {name: body.get(name, "?") for name in ("plugin_name", "message", "snapshot_index", "error")}
    moment = timestamp_from_text(body.get("timestamp"))
    return WorkerEvent(EventType.LOG, moment, template.format_map(named), level, {"context": kind})


def _flat(message: Mapping[str, Any]) -> WorkerEvent | None:
    type, context = message["type"], message.get("context")
    if not isinstance(type, str) or type not in _TYPES:
        return None
    return WorkerEvent(
        type=_TYPES[type],
        timestamp=timestamp_from_text(message.get("timestamp")),
        message=_text(message.get("message")),
        level=_text(message.get("level")),
        context=context if isinstance(context, Mapping) else {},
    )


def _text(told: Any) -> str | None:
    return told if told is None or isinstance(told, str) else json.dumps(told, ensure_ascii=False)


def _bytes(numbers: Any) -> bytes:
    with reading("output, which comes as an array of bytes"):
        return bytes(read_list(numbers))
