"""Calls of other workers: `golem.worker("counter/c2").add(5)`."""

import datetime
import json
import uuid

from componentize_py_types import Err, Ok
from nodes import decoded, encoded, type_of
from shapes import kebab, plain
from wit_world.imports import golem_rpc_types as rpc
from wit_world.imports import host
from wit_world.imports.wall_clock import Datetime

try:
    from wit_world.imports import calls as _door
except ImportError:  # a typed program imports nothing that other servers do not have
    _door = None


class CallFailed(Exception):
    """The other worker gave no result: it failed, refused, or does not exist."""


class WorkerProxy:
    """Another worker. Its functions are methods, by their Python names; it is made when it is first called."""

    def __init__(self, component_id, component, name):
        self._id, self._component, self._name = component_id, component, name

    def __repr__(self):
        return f"golem.worker({f'{self._component}/{self._name}'!r})"

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return RemoteFunction(self, name.replace("_", "-"))

    def __getitem__(self, function):
        """Return a function by its name as the component has it, `ns:pkg/iface.{f}`."""
        return RemoteFunction(self, function)

    def __getstate__(self):
        return (str(self._id), self._component, self._name)

    def __setstate__(self, state):
        self._id, self._component, self._name = uuid.UUID(state[0]), state[1], state[2]

    def _agent(self):
        return rpc.AgentId(rpc.ComponentId(_from_uuid(self._id)), self._name)


class RemoteFunction:
    """A function of another worker. Call it to wait for its result."""

    def __init__(self, worker, name):
        self._worker, self._name = worker, name

    def __call__(self, /, *arguments, **named):
        """Call and wait.

        Raises:
            CallFailed: There is no result.
        """
        with self._connected() as (other, call):
            try:
                return call.result(other.invoke_and_await(call.name, call.params(arguments, named)))
            except Err as failure:
                raise call.failed(failure.value) from None

    def fire(self, /, *arguments, **named):
        """Call, and wait for nothing but that the call is accepted."""
        with self._connected() as (other, call):
            try:
                other.invoke(call.name, call.params(arguments, named))
            except Err as failure:
                raise call.failed(failure.value) from None

    def begin(self, /, *arguments, **named):
        """Call, and go on; the returned `Call` has the result. So several workers work at once."""
        with self._connected() as (other, call):
            return Call(call, other.async_invoke_and_await(call.name, call.params(arguments, named)))

    def at(self, moment, /, *arguments, **named):
        """Have it called at a time (without a zone: of UTC) or after a timedelta; `cancel()` undoes it."""
        if isinstance(moment, datetime.timedelta):
            moment = datetime.datetime.now(datetime.UTC) + moment
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        seconds, fraction = divmod(moment.timestamp(), 1)
        with self._connected() as (other, call):
            due = Datetime(int(seconds), int(fraction * 1e9))
            return Scheduled(other.schedule_cancelable_invocation(due, call.name, call.params(arguments, named)))

    def _connected(self):
        return _Connection(self._worker, self._name)


class _Connection:
    def __init__(self, worker, name):
        self._worker, self._name = worker, name

    def __enter__(self):
        agent = self._worker._agent()
        self._rpc = rpc.WasmRpc(agent)
        if _door is None:
            return self._rpc.__enter__(), _Signature(self._worker, {"name": self._name})
        try:
            found = json.loads(
                _door.signature(
                    agent.component_id.uuid.high_bits, agent.component_id.uuid.low_bits, agent.agent_id, self._name
                )
            )
        except Err as failure:
            raise CallFailed(f"{self._worker!r}.{self._name}: {failure.value}") from None
        return self._rpc.__enter__(), _Signature(self._worker, found)

    def __exit__(self, *error):
        return self._rpc.__exit__(*error)


class _Signature:
    """Where types are not known, values go with those that they have by themselves, and come with the names of none."""

    def __init__(self, worker, found):
        self._worker, self.name = worker, found["name"]
        self._parameters, self._result = found.get("parameters"), found.get("result")

    def params(self, arguments, named):
        wanted = self._parameters
        if wanted is None:
            if named:
                raise TypeError(f"the parameters of {self.name} have no names here: give them by place")
            values = [plain(argument) for argument in arguments]
            return [encoded(rpc, type_of(value), value) for value in values]
        given = self._by_name(wanted, arguments, named)
        return [encoded(rpc, p["typ"], self._value(p, given)) for p in wanted]

    def _by_name(self, wanted, arguments, named):
        names = [p["name"] for p in wanted]
        given = dict(zip(names, arguments, strict=False))
        for name, argument in named.items():
            if kebab(name) not in names or kebab(name) in given:
                why = "twice" if kebab(name) in given else "which it does not have"
                raise TypeError(f"{self.name} takes {', '.join(names) or 'nothing'}; it was given {name} {why}")
            given[kebab(name)] = argument
        needed = [p["name"] for p in wanted if "default" not in p]
        if len(arguments) > len(wanted) or not given.keys() >= set(needed):
            found = len(arguments) + len(named)
            raise TypeError(f"{self.name} takes {len(wanted)} arguments ({', '.join(names) or 'none'}), not {found}")
        return given

    @staticmethod
    def _value(parameter, given):
        value = plain(given[parameter["name"]]) if parameter["name"] in given else parameter["default"]
        return json.dumps(value) if parameter.get("isJson") else value

    def result(self, value):
        """Return what a call gave: its result lies in a tuple of its own, which is empty where there is none."""
        root = value.nodes[0]
        if not root.value:
            return None
        typ = None if self._result is None else {"type": "Tuple", "items": [self._result]}
        return decoded(typ, value)[0]

    def failed(self, error):
        kind = type(error).__name__.removeprefix("RpcError_")
        return CallFailed(f"{self._worker!r}: {kind}: {error.value}")


class Call:
    """A call that was begun."""

    def __init__(self, signature, future):
        self._signature, self._future = signature, future

    def result(self):
        """Wait for the result.

        Raises:
            CallFailed: There is none.
        """
        with self._future.subscribe() as pollable:
            pollable.block()
        found = self._future.get()
        if isinstance(found, Ok):
            return self._signature.result(found.value)
        raise self._signature.failed(found.value)


class Scheduled:
    """A call that is to be made later."""

    def __init__(self, token):
        self._token = token

    def cancel(self):
        """Take it back, if it was not made yet."""
        self._token.cancel()


def worker(target):
    """Return another worker, by `component/name`, or by its name alone among those of one's own component.

    Raises:
        LookupError: There is no component of that name.
    """
    component, slash, name = target.partition("/")
    if not slash:
        own = host.get_self_metadata().agent_id
        return WorkerProxy(_to_uuid(own.component_id.uuid), "", component)
    found = host.resolve_component_id(component)
    if found is None:
        raise LookupError(f"there is no component {component!r}")
    return WorkerProxy(_to_uuid(found.uuid), component, name)


def _to_uuid(bits):
    return uuid.UUID(int=bits.high_bits << 64 | bits.low_bits)


def _from_uuid(value):
    return rpc.Uuid(value.int >> 64, value.int & (1 << 64) - 1)
