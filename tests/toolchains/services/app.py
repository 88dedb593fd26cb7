"""What Golem has for workers beside their oplogs, used from Python one service after the other."""

import time
from contextlib import contextmanager

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import (
    blobstore,
    context,
    eventual,
    eventual_batch,
    host,
    logging,
    oplog,
    store,
)
from wit_world.imports import golem_rpc_types as rpc
from wit_world.imports import wasi_blobstore_types as blob
from wit_world.imports import wasi_keyvalue_types as kv
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wall_clock import Datetime

VERSION = 1

ADD, FAIL = "test:services/shown.{add}", "test:services/shown.{fail}"

total = 0


class Shown(exports.Shown):
    def add(self, by):
        global total
        total += by
        return total

    def fail(self):
        raise RuntimeError("always")

    # Calls of other workers.

    def call(self, worker, by):
        with connected(worker) as other:
            return sum_in(other.invoke_and_await(ADD, [u32(by)]))

    def fire(self, worker, by):
        with connected(worker) as other:
            other.invoke(ADD, [u32(by)])

    def both(self, worker, by):
        with connected(worker) as other:
            with (
                other.async_invoke_and_await(ADD, [u32(by)]) as first,
                other.async_invoke_and_await(ADD, [u32(by)]) as second,
            ):
                return awaited(first), awaited(second)

    def schedule(self, worker, by, delay_ms, cancelled):
        at_ns = time.time_ns() + delay_ms * 1_000_000
        at = Datetime(*divmod(at_ns, 10**9))
        with connected(worker) as other:
            if not cancelled:
                other.schedule_invocation(at, ADD, [u32(by)])
                return
            with other.schedule_cancelable_invocation(at, ADD, [u32(by)]) as token:
                token.cancel()

    def call_failing(self, worker):
        with connected(worker) as other:
            try:
                other.invoke_and_await(FAIL, [])
            except Err as error:
                return type(error.value).__name__
        return "nothing"

    def uuid_round_trip(self, uuid):
        return rpc.uuid_to_string(rpc.parse_uuid(uuid))

    # Spans.

    def spans(self):
        with context.start_span("outer") as outer:
            outer.set_attribute("colour", context.AttributeValue_String("red"))
            with context.start_span("inner") as inner:
                assert inner.started_at().seconds >= outer.started_at().seconds > 0
                inner.set_attributes([context.Attribute("size", context.AttributeValue_String("big"))])
                with context.current_context() as current:
                    found = current.get_attribute("colour", True)
                    assert found is not None and current.get_attribute("colour", False) is None
                    attributes = [(a.key, a.value.value) for a in current.get_attributes(True)]
                    names = [value.value for value in current.get_attribute_chain("name")]
                    chains = {chain.key: len(chain.values) for chain in current.get_attribute_chains()}
                    assert chains["name"] >= 2 and chains["size"] == 1
            inner_finished = context.current_context()
            with inner_finished:
                assert inner_finished.get_attribute("name", False).value == "outer"
            outer.finish()
        own = [attribute for attribute in attributes if attribute[0] in ("colour", "size")]
        return own, names[:2]

    def trace(self):
        before = context.allow_forwarding_trace_context_headers(False)
        assert before and not context.allow_forwarding_trace_context_headers(True)
        depth, current = 0, context.current_context()
        trace_id, headers = current.trace_id(), dict(current.trace_context_headers())
        while current is not None:
            assert current.span_id()
            with current as span:
                current, depth = span.parent(), depth + 1
        return depth, trace_id in headers["traceparent"]

    # Oplogs.

    def kinds(self, worker, until):
        with oplog.GetOplog(agent(worker), 1) as pages:
            found = [type(entry).__name__.removeprefix("OplogEntry_") for entry in all_of(pages)]
        return found[:until]

    def search(self, worker, query):
        with oplog.SearchOplog(agent(worker), query) as pages:
            return [index for index, _ in all_of(pages)]

    # Workers.

    def workers(self, prefix, kind, mode):
        text = host.StringFilterComparator
        conditions = [
            host.AgentPropertyFilter_Name(host.AgentNameFilter(text.STARTS_WITH, prefix)),
            host.AgentPropertyFilter_Env(host.AgentEnvFilter("KIND", text.EQUAL, kind)),
            host.AgentPropertyFilter_WasiConfigVars(host.AgentConfigVarsFilter("mode", text.NOT_EQUAL, mode)),
            host.AgentPropertyFilter_Version(host.AgentVersionFilter(host.FilterComparator.LESS, 9)),
            host.AgentPropertyFilter_CreatedAt(host.AgentCreatedAtFilter(host.FilterComparator.GREATER, 1)),
        ]
        filter = host.AgentAnyFilter([host.AgentAllFilter(conditions)])
        with host.GetAgents(own_id().component_id, filter, True) as pages:
            return [found.agent_id.agent_id for found in all_of(pages)]

    def metadata(self, other):
        own, found = host.get_self_metadata(), host.get_agent_metadata(agent(other))
        kind, mode = dict(own.env).get("KIND", ""), dict(own.wasi_config_vars).get("mode", "")
        return own.agent_id.agent_id, kind, mode, None if found is None else found.component_version

    def resolve(self, component, worker):
        found = (
            host.resolve_component_id(component),
            host.resolve_agent_id(component, worker),
            host.resolve_agent_id_strict(component, worker),
        )
        return tuple(one is not None for one in found)

    def fork(self, name):
        return host.fork(name).name.lower()

    def fork_other(self, source, target, cut_off):
        host.fork_agent(agent(source), agent(target), cut_off)

    def revert_other(self, worker, invocations):
        host.revert_agent(agent(worker), host.RevertAgentTarget_RevertLastInvocations(invocations))

    def update_other(self, worker, version):
        host.update_agent(agent(worker), version, host.UpdateMode.AUTOMATIC)

    # Data.

    def keyvalue(self, bucket):
        with kv.Bucket.open_bucket(bucket) as opened:
            before = eventual.exists(opened, "one")
            with outgoing(b"1") as value:
                eventual.set(opened, "one", value)
            with kv.OutgoingValue.new_outgoing_value() as value:
                with value.outgoing_value_write_body_async() as stream:
                    stream.blocking_write_and_flush(b"two")
                eventual.set(opened, "two", value)
            with outgoing(b"3") as three, outgoing(b"4") as four:
                eventual_batch.set_many(opened, [("three", three), ("four", four)])
            eventual.delete(opened, "one")
            eventual_batch.delete_many(opened, ["four", "none"])
            keys = sorted(eventual_batch.keys(opened))
            two, none = eventual_batch.get_many(opened, ["two", "none"])
            with two, two.incoming_value_consume_async() as stream:
                streamed = read_all(stream).decode()
            with eventual.get(opened, "three") as value:
                size, whole = value.incoming_value_size(), value.incoming_value_consume_sync().decode()
            gone = eventual.get(opened, "one")
            return [
                str(before),
                *keys,
                streamed,
                str(none),
                str(size),
                whole,
                str(gone),
                str(eventual.exists(opened, "two")),
            ]

    def blobs(self, container):
        found = [str(blobstore.container_exists(container))]
        with blobstore.create_container(container) as made:
            with blob.OutgoingValue.new_outgoing_value() as value:
                with value.outgoing_value_write_body() as stream:
                    stream.blocking_write_and_flush(b"hello, ")
                    stream.blocking_write_and_flush(b"world")
                made.write_data("greeting", value)
            blobstore.copy_object(blob.ObjectId(container, "greeting"), blob.ObjectId(container, "copy"))
            blobstore.move_object(blob.ObjectId(container, "copy"), blob.ObjectId(container, "moved"))
            info = made.object_info("moved")
            found += [made.name(), made.info().name, info.container, info.name, str(info.size)]
            with made.get_data("greeting", 0, 4) as value:
                found += [str(value.size()), value.incoming_value_consume_sync().decode()]
            with made.get_data("moved", 7, 100) as value, value.incoming_value_consume_async() as stream:
                found.append(read_all(stream).decode())
            with made.list_objects() as names:
                found += [str(names.skip_stream_object_names(1)[0]), *names.read_stream_object_names(10)[0]]
            try:
                made.object_info("none")
            except Err as error:
                found.append(error.value)
            made.delete_object("moved")
            found += [str(made.has_object("moved")), str(made.has_object("greeting"))]
            made.delete_objects(["greeting"])
            made.clear()
        with blobstore.get_container(container) as again:
            found.append(str(again.has_object("greeting")))
        blobstore.delete_container(container)
        return found

    def log(self, context):
        for level in logging.Level:
            logging.log(level, context, f"a line of {level.name.lower()}")

    def config(self, key):
        return store.get(key), len(store.get_all())


def own_id():
    return host.get_self_metadata().agent_id


def agent(name):
    return rpc.AgentId(own_id().component_id, name)


@contextmanager
def connected(worker):
    with rpc.WasmRpc(agent(worker)) as other:
        yield other


def u32(number):
    return rpc.WitValue([rpc.WitNode_PrimU32(number)])


def sum_in(result):
    """Return the number of a result, which is in a tuple of its own."""
    root = result.nodes[0]
    assert isinstance(root, rpc.WitNode_TupleValue), root
    return result.nodes[root.value[0]].value


def awaited(future):
    with future.subscribe() as pollable:
        pollable.block()
    outcome = future.get()
    assert isinstance(outcome, Ok), outcome
    return sum_in(outcome.value)


def all_of(pages):
    while (page := pages.get_next()) is not None:
        yield from page


def outgoing(data):
    value = kv.OutgoingValue.new_outgoing_value()
    value.outgoing_value_write_body_sync(data)
    return value


def read_all(stream):
    data = b""
    while True:
        try:
            data += stream.blocking_read(100)
        except Err as error:
            assert isinstance(error.value, StreamError_Closed), error.value
            return data
