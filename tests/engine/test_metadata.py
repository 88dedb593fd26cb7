from uuid import UUID

from golem_nb.engine.metadata import metadata_of, moment
from golem_nb.model import UpdateState, WorkerId, WorkerStatus
from golem_nb.oplog.entries import (
    Create,
    CreateResource,
    Error,
    ErrorKind,
    ExportedFunctionInvoked,
    FailedUpdate,
    PendingUpdate,
    PendingWorkerInvocation,
)
from golem_nb.oplog.fold import state_of

WORKER = WorkerId(UUID(int=1), "w")
CREATE = Create(5_000_000, UUID(int=1), "w", 3, ("a",), {"K": "v"}, 10, config={"C": "w"})


def metadata(*entries, **options):
    return metadata_of(WORKER, state_of([CREATE, *entries]), 77, **options)


def test_a_new_worker():
    found = metadata()

    assert (found.worker_id, found.status, found.component_version) == (WORKER, WorkerStatus.IDLE, 3)
    assert (found.args, found.env, found.component_size_bytes, found.last_index) == (("a",), {"K": "v"}, 77, 1)
    assert found.config == {"C": "w"}
    assert found.created_at == moment(5_000_000)


def test_a_worker_tells_its_environment_where_its_oplog_does():
    create = Create(5_000_000, UUID(int=1), "w", 3, (), {}, 10, environment_id=UUID(int=7))

    assert metadata_of(WORKER, state_of([create]), 77).environment_id == UUID(int=7)
    assert metadata().environment_id is None


def test_a_fork_knows_whose_history_it_has():
    fork = Create(5_000_000, UUID(int=1), "w", 3, (), {}, 10, forked_from=("first", "second"))

    assert metadata_of(WORKER, state_of([fork]), 77).forked_from == ("first", "second")


def test_updates_are_in_order_of_time_and_those_in_the_queue_are_pending():
    found = metadata(
        PendingUpdate(6, 4),
        FailedUpdate(9, 4, "no"),
        PendingWorkerInvocation(7, "u", "", (), 5),
        PendingWorkerInvocation(8, "k", "f", ()),
    )

    assert [(u.state, u.target_version, u.details) for u in found.updates] == [
        (UpdateState.PENDING, 5, None),
        (UpdateState.FAILED, 4, "no"),
    ]
    assert found.pending_invocation_count == 1


def test_the_last_error_comes_with_its_stderr():
    invoked = ExportedFunctionInvoked(6, "f", (), "k")

    assert metadata(invoked, Error(7, ErrorKind.UNKNOWN, "boom", "", 2)).last_error == "boom"
    found = metadata(invoked, Error(7, ErrorKind.UNKNOWN, "boom", "oh\n", 2))
    assert (found.last_error, found.retry_count) == ("boom\n\noh\n", 1)


def test_the_worker_may_know_better():
    found = metadata(CreateResource(6, 0, "cart", "shop"), status=WorkerStatus.RUNNING, entries_replayed=4)

    assert (found.status, found.entries_replayed, found.owned_resources) == (WorkerStatus.RUNNING, 4, {0: "shop#cart"})
