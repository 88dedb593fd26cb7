"""The stores that the workers of an environment share, as a host function sees them (`host.context`).

Writes wait until they are stored: the entry that tells of one must not be there before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar
from uuid import UUID

from golem_nb.errors import GolemError, NotFound, StoreFailed
from golem_nb.model import ComponentId
from golem_nb.store.blobs import Blobs, ObjectRow
from golem_nb.store.database import Database
from golem_nb.store.keyvalue import KeyValues

T = TypeVar("T")


class Stores:
    def __init__(self, database: Database, environment_of: Callable[[ComponentId], UUID]) -> None:
        self._keyvalues, self._blobs, self._environment_of = KeyValues(database), Blobs(database), environment_of

    def keyvalue(self, component_id: ComponentId) -> EnvironmentKeyValues:
        """Return the buckets that the component's workers share with others of their environment."""
        return EnvironmentKeyValues(self._keyvalues, self._environment_of(component_id))

    def blobs(self, component_id: ComponentId, worker: int) -> EnvironmentBlobs:
        """Return the containers of the component's environment, for the worker with this number."""
        return EnvironmentBlobs(self._blobs, self._environment_of(component_id), worker)


class EnvironmentKeyValues:
    def __init__(self, store: KeyValues, environment_id: UUID) -> None:
        self._store, self._environment_id = store, environment_id

    def get(self, bucket: str, key: str) -> bytes | None:
        return self._store.get(self._environment_id, bucket, key)

    def exists(self, bucket: str, key: str) -> bool:
        return self._store.exists(self._environment_id, bucket, key)

    def keys(self, bucket: str) -> Sequence[str]:
        return self._store.keys(self._environment_id, bucket)

    def set(self, bucket: str, pairs: Sequence[tuple[str, bytes]]) -> None:
        _stored(self._store.set(self._environment_id, bucket, pairs))

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        _stored(self._store.delete(self._environment_id, bucket, keys))


class EnvironmentBlobs:
    def __init__(self, store: Blobs, environment_id: UUID, worker: int) -> None:
        self._store, self._environment_id, self._worker = store, environment_id, worker

    def create_container(self, name: str, created_at_ms: int) -> int:
        return _stored(self._store.create_container(self._environment_id, name, created_at_ms))

    def container_created_at_ms(self, name: str) -> int | None:
        return self._store.container_created_at_ms(self._environment_id, name)

    def delete_container(self, name: str) -> None:
        _stored(self._store.delete_container(self._environment_id, name))

    def clear(self, container: str) -> None:
        _stored(self._store.clear(self._environment_id, container))

    def names(self, container: str) -> Sequence[str]:
        if self.container_created_at_ms(container) is None:
            raise NotFound(f"Container not found: {container}")
        return self._store.names(self._environment_id, container)

    def object_info(self, container: str, name: str) -> ObjectRow:
        found = self._store.info(self._environment_id, container, name)
        if found is None:
            raise NotFound(f"Object not found: {container}/{name}")
        return found

    def read(self, container: str, name: str, start: int, count: int) -> bytes:
        found = self._store.read(self._environment_id, container, name, start, count)
        if found is None:
            raise NotFound(f"Object not found: {container}/{name}")
        return found

    def write(self, container: str, name: str, data: bytes, created_at_ms: int) -> None:
        _stored(self._store.write(self._environment_id, container, name, data, created_at_ms))

    def delete(self, container: str, names: Sequence[str]) -> None:
        _stored(self._store.delete(self._environment_id, container, names))

    def copy(self, source: tuple[str, str], target: tuple[str, str], created_at_ms: int, effect: str) -> None:
        transfer = self._store.copy
        _stored(transfer(self._environment_id, source, target, created_at_ms, worker=self._worker, effect=effect))

    def move(self, source: tuple[str, str], target: tuple[str, str], created_at_ms: int, effect: str) -> None:
        transfer = self._store.move
        _stored(transfer(self._environment_id, source, target, created_at_ms, worker=self._worker, effect=effect))


def _stored(written: Future[T]) -> T:
    """Wait for a write.

    Raises:
        StoreFailed: The disk is full, or worse; the invocation may be tried again.
    """
    try:
        return written.result()
    except GolemError:
        raise
    except Exception as error:
        raise StoreFailed(f"a worker's data could not be stored: {error}; make room, and try again") from None
