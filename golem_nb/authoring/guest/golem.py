"""What a worker can ask of the engine: `import golem`, or `from golem import promise, worker, atomic`.

Everything goes through the oplog: an answer that a worker has got is the same one when it is recovered, and what was
done outside is not done again.

    worker("counter/c2").add(5)         call another worker: and wait; .fire(5), .begin(5), .at(when, 5)
    p = promise(); p.id; p.wait()       wait for somebody outside; complete(id, data) completes it
    with atomic(): ...                  done again as a whole, if a crash cuts it off
    idempotency_key()                   for calls to services that know such keys
    me()                                the worker's own name, component, version, arguments, environment
    bucket("name")["key"] = b"..."      data that the workers of an environment share
    container("name").write("x", b"")   objects, likewise
    with span("step", size=3): ...      a span of the trace, with attributes
    retry("why"), fail("why")           give this attempt up; give the worker up
    -> Result[int, str]                 a function gives Ok(5) or Err("why"), or raises Err("why")
    retry_policy(max_attempts=5)        how failed attempts are repeated
"""

import contextlib
import dataclasses
import logging
import uuid

from calls import Call, CallFailed, RemoteFunction, Scheduled, WorkerProxy, worker
from componentize_py_types import Err as Refused
from results import Err, Ok, Result, fail, retry, worker_class
from wit_world.imports import blobstore, context, eventual, eventual_batch, host, store
from wit_world.imports import golem_rpc_types as rpc
from wit_world.imports import logging as lines
from wit_world.imports import wasi_blobstore_types as blob_types
from wit_world.imports import wasi_keyvalue_types as keyvalue_types

__all__ = [
    "Bucket",
    "Call",
    "CallFailed",
    "Container",
    "Err",
    "Me",
    "Ok",
    "Promise",
    "RemoteFunction",
    "Result",
    "Scheduled",
    "StorageError",
    "WorkerProxy",
    "atomic",
    "bucket",
    "complete",
    "config",
    "container",
    "fail",
    "fork",
    "idempotency_key",
    "idempotent",
    "log",
    "me",
    "oplog_index",
    "promise",
    "retry",
    "retry_policy",
    "span",
    "unrecorded",
    "worker",
    "worker_class",
]

NS_PER_S = 10**9


# Promises.


@dataclasses.dataclass(frozen=True)
class Promise:
    """Something that is completed from outside: `%golem_worker W complete INDEX DATA`, or by `complete`.

    `id` is `component-id/worker/index`.
    """

    id: str

    def wait(self):
        """Wait until it is completed; return the data, bytes. The worker holds no memory meanwhile."""
        with host.get_promise(_promise_id(self.id)) as result:
            with result.subscribe() as pollable:
                pollable.block()
            return bytes(result.get())

    def poll(self):
        """Return the data if it is completed, else None."""
        with host.get_promise(_promise_id(self.id)) as result:
            data = result.get()
            return None if data is None else bytes(data)

    @property
    def index(self):
        """The oplog index that names it among the worker's promises."""
        return int(self.id.rpartition("/")[2])


def promise():
    """Make a promise of this worker's own."""
    made = host.create_promise()
    return Promise(f"{_uuid(made.agent_id.component_id.uuid)}/{made.agent_id.agent_id}/{made.oplog_idx}")


def complete(promise_id, data=b""):
    """Complete a promise, of any worker; False where it was complete already."""
    data = data.encode() if isinstance(data, str) else bytes(data)
    return host.complete_promise(_promise_id(promise_id), data)


def _promise_id(text):
    head, _, index = text.rpartition("/")
    component, _, name = head.partition("/")
    agent = rpc.AgentId(rpc.ComponentId(_bits(uuid.UUID(component))), name)
    return host.PromiseId(agent, int(index))


# How effects are repeated.


@contextlib.contextmanager
def atomic():
    """What is in the block is done again as a whole, if a crash cuts it off in the middle."""
    begin = host.mark_begin_operation()
    yield
    host.mark_end_operation(begin)


def idempotency_key():
    """Return a new UUID, the same one when the worker is recovered."""
    return _uuid(host.generate_idempotency_key())


@contextlib.contextmanager
def idempotent(is_idempotent=True):
    """Say whether requests in the block that a crash cut off may be sent again; they may, by default."""
    before = host.get_idempotence_mode()
    host.set_idempotence_mode(is_idempotent)
    try:
        yield
    finally:
        host.set_idempotence_mode(before)


@contextlib.contextmanager
def unrecorded():
    """Record nothing of what the block does: it is done again whenever the worker is recovered."""
    host.set_oplog_persistence_level(host.PersistenceLevel_PersistNothing())
    try:
        yield
    finally:
        host.set_oplog_persistence_level(host.PersistenceLevel_Smart())


def oplog_index():
    """Return the index of the oplog's last entry."""
    return host.get_oplog_index()


def retry_policy(max_attempts=None, min_delay_s=None, max_delay_s=None, multiplier=None, max_jitter=None):
    """Set how failed attempts are repeated from now on; what is not given stays as it is. Return the policy."""
    old = host.get_retry_policy()
    policy = host.RetryPolicy(
        old.max_attempts if max_attempts is None else max_attempts,
        old.min_delay if min_delay_s is None else int(min_delay_s * NS_PER_S),
        old.max_delay if max_delay_s is None else int(max_delay_s * NS_PER_S),
        old.multiplier if multiplier is None else float(multiplier),
        old.max_jitter_factor if max_jitter is None else float(max_jitter),
    )
    if policy != old:
        host.set_retry_policy(policy)
    return {
        "max_attempts": policy.max_attempts,
        "min_delay_s": policy.min_delay / NS_PER_S,
        "max_delay_s": policy.max_delay / NS_PER_S,
        "multiplier": policy.multiplier,
        "max_jitter": policy.max_jitter_factor,
    }


# Oneself.


@dataclasses.dataclass(frozen=True)
class Me:
    component_id: uuid.UUID
    name: str
    version: int
    args: list
    env: dict


def me():
    """Return what this worker is."""
    found = host.get_self_metadata()
    return Me(
        _uuid(found.agent_id.component_id.uuid),
        found.agent_id.agent_id,
        found.component_version,
        list(found.args),
        dict(found.env),
    )


def fork(name):
    """Go on as two workers: True in the new one, which has this name, and False in this one."""
    return host.fork(name).name == "FORKED"


def config(key=None):
    """Return what the worker was configured with: a value, None where there is none, or all as a dict."""
    return dict(store.get_all()) if key is None else store.get(key)


# Data that workers share.


class StorageError(Exception):
    """The store refused; the text says why."""


@contextlib.contextmanager
def _storing():
    try:
        yield
    except Refused as failure:
        text = failure.value if isinstance(failure.value, str) else failure.value.trace()
        raise StorageError(text) from None


class Bucket:
    """A key-value bucket, as a mapping from text to bytes; text is stored in UTF-8."""

    def __init__(self, name):
        self.name = name

    def __getitem__(self, key):
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key, default=None):
        with self._open() as bucket:
            value = eventual.get(bucket, key)
            if value is None:
                return default
            with value:
                return bytes(value.incoming_value_consume_sync())

    def __setitem__(self, key, value):
        self.update({key: value})

    def update(self, values):
        """Set several, all or none."""
        with self._open() as bucket, contextlib.ExitStack() as stack:
            pairs = []
            for key, value in values.items():
                outgoing = stack.enter_context(keyvalue_types.OutgoingValue.new_outgoing_value())
                outgoing.outgoing_value_write_body_sync(_data(value))
                pairs.append((key, outgoing))
            if len(pairs) == 1:
                eventual.set(bucket, *pairs[0])
            else:
                eventual_batch.set_many(bucket, pairs)

    def __delitem__(self, key):
        with self._open() as bucket:
            eventual.delete(bucket, key)

    def __contains__(self, key):
        with self._open() as bucket:
            return eventual.exists(bucket, key)

    def keys(self):
        with self._open() as bucket:
            return sorted(eventual_batch.keys(bucket))

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    @contextlib.contextmanager
    def _open(self):
        with _storing(), keyvalue_types.Bucket.open_bucket(self.name) as bucket:
            yield bucket


def bucket(name):
    """Return a key-value bucket of the worker's environment; it need not be made."""
    return Bucket(name)


class Container:
    """A container of objects: bytes by name."""

    def __init__(self, name):
        self.name = name

    def write(self, name, data):
        with self._open() as container, blob_types.OutgoingValue.new_outgoing_value() as value:
            with value.outgoing_value_write_body() as stream:
                data = _data(data)
                for begin in range(0, len(data), 4096):
                    stream.blocking_write_and_flush(data[begin : begin + 4096])
            container.write_data(name, value)

    def read(self, name, start=0, end=None):
        """Return what is in an object from `start` to before `end`, bytes."""
        with self._open() as container:
            size = container.object_info(name).size
            last = (size if end is None else min(end, size)) - 1
            if last < start:
                return b""
            with container.get_data(name, start, last) as value:
                return bytes(value.incoming_value_consume_sync())

    def delete(self, *names):
        with self._open() as container:
            container.delete_objects(list(names))

    def __contains__(self, name):
        with self._open() as container:
            return container.has_object(name)

    def names(self):
        with self._open() as container, container.list_objects() as listed:
            found, is_end = [], False
            while not is_end:
                part, is_end = listed.read_stream_object_names(1000)
                found += part
            return found

    @contextlib.contextmanager
    def _open(self):
        with _storing():
            exists = blobstore.container_exists(self.name)
            opened = blobstore.get_container(self.name) if exists else blobstore.create_container(self.name)
            with opened as container:
                yield container


def container(name):
    """Return a container of objects of the worker's environment; it is made when it is first used."""
    return Container(name)


def _data(value):
    return value.encode() if isinstance(value, str) else bytes(value)


# What is told of a worker.


@contextlib.contextmanager
def span(name, **attributes):
    """A span of the trace around what the block does. `set(key=value)` on it adds attributes."""
    with context.start_span(name) as started:
        made = _Span(started)
        made.set(**attributes)
        try:
            yield made
        finally:
            started.finish()


class _Span:
    def __init__(self, started):
        self._started = started

    def set(self, **attributes):
        for key, value in attributes.items():
            self._started.set_attribute(key, context.AttributeValue_String(str(value)))


_LEVELS = ((50, "CRITICAL"), (40, "ERROR"), (30, "WARN"), (20, "INFO"), (10, "DEBUG"), (0, "TRACE"))


def log(message, level="info", context=""):
    """Log a line: an event, and a Log entry of the oplog. `level`: trace, debug, info, warn, error, critical."""
    lines.log(getattr(lines.Level, level.upper()), context, str(message))


class _Lines(logging.Handler):
    """Sends what `logging` is given to the engine, with its level and its logger's name."""

    def emit(self, record):
        level = next(name for least, name in _LEVELS if record.levelno >= least)
        lines.log(getattr(lines.Level, level), record.name, self.format(record))


def install():
    """Have `logging` use it, from the level WARNING up; `logging.basicConfig(level=...)` changes that."""
    logging.lastResort = None
    logging.root.addHandler(_Lines())
    configure = logging.basicConfig

    def basic_config(*, level=None, format=None, datefmt=None, style="%", force=False, **others):
        if others and not force:
            force = True  # handlers of its own take the place of ours
        if force:
            configure(level=level, format=format, datefmt=datefmt, style=style, force=True, **others)
            return
        if format is not None:
            for handler in logging.root.handlers:
                handler.setFormatter(logging.Formatter(format, datefmt, style))
        if level is not None:
            logging.root.setLevel(level)

    logging.basicConfig = basic_config


def _uuid(bits):
    return uuid.UUID(int=bits.high_bits << 64 | bits.low_bits)


def _bits(value):
    return rpc.Uuid(value.int >> 64, value.int & (1 << 64) - 1)
