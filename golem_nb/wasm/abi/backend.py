"""What a backend of the value codec does: define host functions, and call exports, with values of our own form.

Two exist: `raw`, over wasmtime's C functions, and `stock`, over wasmtime-py's conversion, for platforms where the raw
one's self-test fails. Both keep the exception of a host function on the frame and raise it from the export's call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from wasmtime import Store
from wasmtime.component import Func, LinkerInstance, ResourceType

from golem_nb.values.types import FunctionType
from golem_nb.wasm.abi.codec import Frame, ResourceIds

Handler = Callable[[Frame, list[Any]], Any]
Keep = Callable[[object], None]  # keeps a callback alive as long as its linker


class Call(Protocol):
    """An exported function of one instance."""

    def __call__(self, arguments: Sequence[Any]) -> Any: ...


class Backend(Protocol):
    name: str

    def define_function(
        self,
        instance: LinkerInstance,
        name: str,
        signature: FunctionType,
        handler: Handler,
        resources: ResourceIds,
        keep: Keep,
    ) -> None:
        """Define a host function; it runs `handler` with the frame that is current on the thread."""

    def define_resource(
        self, instance: LinkerInstance, name: str, type: ResourceType, dropped: Callable[[Frame, int], None], keep: Keep
    ) -> None:
        """Define a host resource; `dropped` is told of each owned handle that the component drops."""

    def export(
        self, store: Store, function: Func, signature: FunctionType, resources: ResourceIds, frame: Frame
    ) -> Call: ...

    def drop_guest_handle(self, store: Store, frame: Frame, pointer: Any) -> None:
        """Run the component's destructor of a resource of its own."""


class Current(threading.local):
    """The frame whose instance runs on this thread. Set around each call into wasm."""

    frame: Frame


current = Current()


def raise_parked(frame: Frame, trap: Exception) -> None:
    """Raise what a host function raised while wasm ran; `trap` where wasm itself trapped."""
    error, frame.pending = frame.pending, None
    if error is not None:
        raise error from trap
    raise trap
