"""Reverts, as the oplog has them."""

from golem_nb.oplog.fold import state_of


def entries(engine, worker):
    return [entry for _, entry in engine.oplog(worker).entries]


def test_a_crash_in_the_middle_of_a_revert_runs_nothing_again(engine, counter, call):
    """What was reverted was accepted before the cut: only its cancellation keeps it from running again."""
    call("inc", 1)
    call("inc", 2)

    engine.revert_worker(counter, invocations=1)

    oplog = entries(engine, counter)
    for length in range(7, len(oplog) + 1):  # at first Create, and three for each invocation
        assert not state_of(oplog[:length]).pending
    assert call("get") == 1
