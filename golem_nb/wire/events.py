"""WorkerEvents <-> messages of the WebSocket: the contract's flat form, and Golem's tagged one. Source: SEMANTICS 9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from golem_nb.model import EventType, WorkerEvent
from golem_nb.wire.codec import text_from_timestamp, timestamp_from_text


def json_from_event(event: WorkerEvent) -> dict[str, Any]:
    """Return the contract's form. Keys without a value are left out: nothing is nullable there."""
    message: dict[str, Any] = {"type": event.type.value, "timestamp": text_from_timestamp(event.timestamp)}
    if event.message is not None:
        message["message"] = event.message
    if event.level is not None:
        message["level"] = event.level
    if event.context:
        message["context"] = dict(event.context)
    return message


def event_from_json(message: Any) -> WorkerEvent | None:
    """Return the event of a message in either form; None for a kind that is not known (newer servers have more)."""
    if not isinstance(message, Mapping):
        return None
    if "type" in message:
        return _flat(message)
    if len(message) == 1:
        ((kind, fields),) = message.items()
        return _tagged(kind, fields) if isinstance(fields, Mapping) else None
    return None


def _flat(message: Mapping[str, Any]) -> WorkerEvent | None:
    if message["type"] not in EventType:
        return None
    context = message.get("context")
    return WorkerEvent(
        EventType(message["type"]),
        timestamp_from_text(message.get("timestamp")),
        message.get("message"),
        message.get("level"),
        dict(context) if isinstance(context, Mapping) else {},
    )


def _tagged(kind: str, fields: Mapping[str, Any]) -> WorkerEvent | None:
    at = timestamp_from_text(fields.get("timestamp"))
    match kind:
        case "StdOut" | "StdErr":
            return WorkerEvent(EventType(kind), at, bytes(fields.get("bytes", ())).decode(errors="replace"))
        case "Log":
            context = {"context": fields["context"]} if fields.get("context") else {}
            return WorkerEvent(EventType.LOG, at, fields.get("message"), fields.get("level"), context)
        case "InvocationStart" | "InvocationFinished":
            function = fields.get("function")
            named = {"function": function, "idempotencyKey": fields.get("idempotency_key")}
            return WorkerEvent(EventType(kind), at, function, None, named)
        case "ClientLagged":
            missed = fields.get("number_of_missed_messages", 0)
            return WorkerEvent(EventType.LOG, at, f"{missed} messages missed", "Warn", {"missedMessages": missed})
    return None
