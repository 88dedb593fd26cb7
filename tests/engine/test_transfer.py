import io
import time

import pytest
from msgspec.structs import replace

from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, ComponentNotFound, Conflict, InvalidWorkerName, WorkerExists, WorkerNotFound
from golem_nb.model import LOCAL_ENVIRONMENT, ComponentOptions, FileContent, WorkerId, WorkerStatus
from golem_nb.oplog.archive import Archive, Header, StoredChunk, StoredPromise, write_archive
from golem_nb.oplog.codec import chunk_from_entries, entries_from_chunk
from golem_nb.oplog.entries import (
    Create,
    ExportedFunctionCompleted,
    ExportedFunctionInvoked,
    Jump,
    NoOp,
    PendingUpdate,
    PendingWorkerInvocation,
    Recorded,
    SuccessfulUpdate,
)
from golem_nb.wasm.text import wasm_from_text
from tests.engine.conftest import COUNTER, until
from tests.script import ADD, AWAIT, COMPLETE, PROMISE, SLEEP_MS, script, steps


@pytest.fixture
def other():
    """Another engine."""
    with_memory = Engine.open("memory:")
    yield with_memory
    with_memory.close()


def exported(engine, worker):
    file = io.BytesIO()
    engine.export_worker(worker, file)
    return file


def oplog(engine, worker):
    _, parts = engine.oplog_from(worker)
    return [entry for part in parts for _, entry in part]


@pytest.fixture
def counted(engine, counter, call):
    """A file of a worker that has counted to 12."""
    call("inc", 5, key="first")
    call("inc", 7, key="second")
    return exported(engine, counter)


def deployed(engine, wasm=None, name="counter"):
    return engine.create_component(LOCAL_ENVIRONMENT, name, wasm or wasm_from_text(COUNTER)).id


def test_a_worker_goes_on_in_another_engine_under_another_name(engine, counter, other, counted):
    moved = WorkerId(deployed(other), "moved")

    other.import_worker(moved, counted)

    assert other.invoke_and_await(moved, "get", []).result(10).value == 12
    assert other.invoke_and_await(moved, "inc", [99], "second").result(10).value == 12  # it was done
    assert other.invoke_and_await(moved, "inc", [1]).result(10).value == 13
    create, *rest = oplog(other, moved)
    assert (create.component_id, create.worker_name) == (moved.component_id, "moved")
    assert create.forked_from == (f"{counter.component_id}/c1",)
    assert rest[: len(oplog(engine, counter)) - 1] == oplog(engine, counter)[1:]


def test_a_worker_that_was_deleted_comes_back_as_it_was(engine, counter, counted):
    before = oplog(engine, counter)
    engine.delete_worker(counter)

    engine.import_worker(counter, counted)

    assert oplog(engine, counter) == before
    assert engine.invoke_and_await(counter, "get", []).result(10).value == 12


def test_a_copy_of_a_copy_knows_where_it_comes_from(engine, other, counter, counted):
    first = WorkerId(deployed(other), "first")
    other.import_worker(first, counted)
    second = WorkerId(first.component_id, "second")

    other.import_worker(second, exported(other, first))

    assert oplog(other, second)[0].forked_from == (f"{counter.component_id}/c1", "first")
    assert other.invoke_and_await(second, "get", []).result(10).value == 12


def scripted(engine):
    return WorkerId(engine.create_component(LOCAL_ENVIRONMENT, "script", script()).id, "w")


def test_handles_in_a_history_are_known_by_their_old_name(engine, other):
    """The promise in it carries the name of the component and worker that it comes from."""
    worker = scripted(engine)
    total = engine.invoke_and_await(worker, "run", ["", steps(PROMISE, (COMPLETE, 7), AWAIT)]).result(10)
    moved = WorkerId(scripted(other).component_id, "moved")

    other.import_worker(moved, exported(engine, worker))

    assert other.invoke_and_await(moved, "total", []).result(10) == total


def test_who_waited_for_a_promise_waits_for_it_there(engine, other):
    worker = scripted(engine)
    engine.invoke(worker, "run", ["", steps(PROMISE, AWAIT)], "k")
    until(lambda: engine.worker(worker).status is WorkerStatus.SUSPENDED)
    moved = WorkerId(scripted(other).component_id, "moved")

    other.import_worker(moved, exported(engine, worker))
    other.complete_promise(moved, 4, b"\x05")

    assert other.invoke_and_await(moved, "run", ["", []], "k").result(10).value == 4 + 5


def test_a_promise_that_was_completed_is_so_there(engine, other):
    worker = scripted(engine)
    engine.invoke(worker, "run", ["", steps(PROMISE, (SLEEP_MS, 60_000), AWAIT)], "k")
    until(lambda: engine.worker(worker).status is WorkerStatus.SUSPENDED)
    engine.complete_promise(worker, 4, b"\x05")
    moved = WorkerId(scripted(other).component_id, "moved")

    other.import_worker(moved, exported(engine, worker))

    assert not other.complete_promise(moved, 4, b"\x06")


def test_what_sleeps_is_woken_at_its_time(engine, other):
    worker = scripted(engine)
    engine.invoke(worker, "run", ["", steps((SLEEP_MS, 11_000), (ADD, 3))], "k")
    until(lambda: engine.worker(worker).status is WorkerStatus.SUSPENDED)
    moved = WorkerId(scripted(other).component_id, "moved")

    other.import_worker(moved, exported(engine, worker))

    until(lambda: other.timers.next_due_ns() is not None)
    assert 0 < other.timers.next_due_ns() - time.time_ns() < 11 * 10**9


def test_what_was_running_goes_on(engine, counter, other):
    engine.invoke(counter, "spin", [])
    until(lambda: engine.worker(counter).status is WorkerStatus.RUNNING)
    moved = WorkerId(deployed(other), "moved")

    other.import_worker(moved, exported(engine, counter))

    assert other.worker(moved).status is WorkerStatus.RUNNING
    assert other._loaded[moved].is_busy


def test_the_history_of_an_update_needs_both_versions(engine, counter, call, other):
    newer = wasm_from_text(COUNTER + "  ")
    call("inc", 5)
    engine.update_component(counter.component_id, wasm_from_text(COUNTER))
    engine.update_worker(counter, 1)
    until(lambda: engine.worker(counter).component_version == 1)
    file = exported(engine, counter)
    moved = WorkerId(deployed(other), "moved")

    with pytest.raises(Conflict, match=r"the component has no version 1 of counter, .*: deploy it first"):
        other.import_worker(moved, file)

    other.update_component(moved.component_id, wasm_from_text(COUNTER))
    other.import_worker(moved, file)
    assert other.invoke_and_await(moved, "get", []).result(10).value == 5
    assert len(newer) == len(wasm_from_text(COUNTER))  # text around it is no part of a component


# Refusals.


def test_a_worker_that_is_there_is_not_replaced(engine, counter, counted):
    with pytest.raises(WorkerExists):
        engine.import_worker(counter, counted)


def test_another_component_is_refused(other, counted):
    with pytest.raises(Conflict, match="version 0 here is another one than version 0 of counter"):
        other.import_worker(WorkerId(deployed(other, script()), "w"), counted)
    assert other.workers(other.components(LOCAL_ENVIRONMENT)[0].id).workers == ()


def test_the_same_wasm_with_other_files_is_refused(other, counted):
    files = {"/a": FileContent(b"a")}
    component = other.create_component(LOCAL_ENVIRONMENT, "c", wasm_from_text(COUNTER), ComponentOptions(), files)

    with pytest.raises(Conflict, match=r"the same wasm .*, but another runtime, or other files, env or links"):
        other.import_worker(WorkerId(component.id, "w"), counted)


def test_a_missing_component_and_a_bad_name_are_refused(other, counter, counted):
    with pytest.raises(ComponentNotFound):
        other.import_worker(counter, counted)
    with pytest.raises(InvalidWorkerName):
        other.import_worker(WorkerId(deployed(other), "a b"), counted)


def test_a_worker_that_is_not_there_is_not_exported(engine, counter):
    with pytest.raises(WorkerNotFound):
        engine.export_worker(counter, io.BytesIO())


def rewritten(file, change, **header):
    """Return the file with other entries and another header, and a right checksum."""
    archive = Archive(file)
    entries = change([entry for chunk in archive.chunks() for entry in entries_from_chunk(chunk.body)])
    new = io.BytesIO()
    chunks = [StoredChunk(1, len(entries), 1, chunk_from_entries(entries))]
    header = {"last_index": len(entries), **header}
    write_archive(new, [replace(archive.header, **header), *chunks])
    return new


@pytest.mark.parametrize(
    ("change", "header", "text"),
    [
        (lambda e: e[1:], {}, "entry 1, and no other one, is Create; not so entry 1"),
        (lambda e: [*e, e[0]], {}, "no other one, is Create"),
        (lambda e: e, {"last_index": 99}, "and says that it has 99"),
        (lambda e: e, {"versions": ()}, "does not tell which component version 0 is"),
        (
            lambda e: [
                *e,
                PendingWorkerInvocation(9, "k", "f", (), target_version=3),
                ExportedFunctionInvoked(9, "f", (), "k"),
            ],
            {},
            "contradict each other",
        ),
        (lambda e: [*e, Jump(9, 1, 5)], {}, "makes its own beginning void"),
        (lambda e: [*e, NoOp(-1)], {}, "entry 8 was made at no time"),
        (lambda e: [*e, NoOp(1 << 62)], {}, "entry 8 was made at no time"),
        (lambda e: [*e, SuccessfulUpdate(9, 5, 1)], {}, "does not tell which component version 5 is"),
        (
            lambda e: [*e, ExportedFunctionCompleted(9, Recorded("no type", b""))],
            {},
            "a value in entry 8 cannot be read",
        ),
        (
            lambda e: [*e, ExportedFunctionCompleted(9, Recorded("u32", b"\xff"))],
            {},
            "a value in entry 8 cannot be read",
        ),
    ],
)
def test_a_history_of_no_worker_is_refused(other, counted, change, header, text):
    with pytest.raises(BadInput, match=text):
        other.import_worker(WorkerId(deployed(other), "w"), rewritten(counted, change, **header))


def frames(counted, *more, chunks=None):
    archive = Archive(counted)
    new = io.BytesIO()
    write_archive(new, [archive.header, *(archive.chunks() if chunks is None else chunks), *more])
    return new


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda f: frames(f, StoredPromise(99, None, False)), "promises that no entry made"),
        (lambda f: frames(f, *[StoredPromise(2, None, False)] * 2), "promises that no entry made"),
        (lambda f: frames(f, chunks=[]), "it has 0 entries"),
        (lambda f: frames(f, chunks=list(Archive(f).chunks())[1:]), "entries are missing behind entry 0"),
        (lambda f: frames(f, chunks=[StoredChunk(1, 7, 2, b"")]), "entries in form 2, and this golem_nb reads 1"),
        (lambda f: frames(f, chunks=[StoredChunk(1, 1, 1, b"\xc1")]), "entry 1 or one behind it cannot be read"),
    ],
)
def test_frames_of_no_worker_are_refused(other, counted, make, text):
    with pytest.raises(BadInput, match=text):
        other.import_worker(WorkerId(deployed(other), "w"), make(counted))


def test_regions_that_cannot_be_are_refused_or_harmless(other, counted):
    """No entry of a file brings the engine down, whatever it says that it makes void."""
    worker = WorkerId(deployed(other), "w")
    for number, jump in enumerate([Jump(9, 1, 1 << 62), Jump(9, 7, 2), Jump(9, -5, -1)]):
        file = rewritten(counted, lambda entries, jump=jump: [*entries, jump, NoOp(9)])
        target = WorkerId(worker.component_id, f"w{number}")
        try:
            other.import_worker(target, file)
        except BadInput:
            continue
        assert other.worker(target).last_index == 9


def test_an_update_to_nowhere_is_taken_along(other, counted):
    """It fails there as it would have here."""
    worker = WorkerId(deployed(other), "w")
    file = rewritten(counted, lambda entries: [*entries, PendingUpdate(9, 77, None)])

    other.import_worker(worker, file)

    assert other.invoke_and_await(worker, "get", []).result(10).value == 12
    assert other.worker(worker).component_version == 0


def test_an_export_is_of_one_moment(engine, counter, call):
    """While the worker goes on."""
    call("inc", 1)
    invocations = [engine.invoke_and_await(counter, "inc", [1]) for _ in range(200)]

    archive = Archive(exported(engine, counter))

    entries = [entry for chunk in archive.chunks() for entry in entries_from_chunk(chunk.body)]
    assert len(entries) == archive.header.last_index
    assert isinstance(entries[0], Create)
    for invocation in invocations:
        invocation.result(10)


def test_the_header_says_what_the_file_is_of(counted, counter):
    header = Archive(counted).header

    assert isinstance(header, Header)
    assert (header.component_name, header.worker_name, header.component_id) == ("counter", "c1", counter.component_id)
    assert [version.version for version in header.versions] == [0]
