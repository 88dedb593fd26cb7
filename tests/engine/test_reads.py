from concurrent.futures import CancelledError, Future
from datetime import UTC, datetime
from functools import partial

import pytest

from golem_nb.engine.callers import done
from golem_nb.engine.reads import Reads, answer_reads, content_at, nodes_at
from golem_nb.errors import BadInput, FileNotFound, StoreFailed, WorkerExited
from golem_nb.host.filetree import FileTree
from golem_nb.model import FileNode

TREE = FileTree()
TREE.make_directory(TREE.root, "d", 2 * 10**9)
TREE.make_file(TREE.resolve(TREE.root, "d/f", follow=False), 3 * 10**9).own_data().extend(b"data")
TREE.make_link(TREE.root, "d/f", "link", 0)
TREE.make_link(TREE.root, "nowhere", "dangling", 0)
TREE.make_link(TREE.root, "../..", "out", 0)


def test_a_read_waits_for_what_was_pending_before_it():
    reads = Reads()
    first, second = reads.add({}, len), reads.add({"a": 1, "b": 2}, len)

    assert [w.answer for w in reads.take_due({"b": 2, "c": 3})] == [first]
    assert reads
    assert [w.answer for w in reads.take_due({"c": 3})] == [second]
    assert not reads


def test_answers_are_told_when_what_they_saw_is_stored():
    reads, stored = Reads(), Future()
    answers = [reads.add({}, partial(content_at, path)) for path in ("d/f", "none")]

    answer_reads(reads.take_due({}), TREE, lambda: stored)
    assert not any(a.done() for a in answers)
    stored.set_result(None)

    assert answers[0].result(0) == b"data"
    assert isinstance(answers[1].exception(0), FileNotFound)


def test_a_store_that_fails_is_told():
    reads, stored = Reads(), Future()
    answer = reads.add({}, partial(nodes_at, "/"))
    stored.set_exception(OSError("full"))

    answer_reads(reads.take_due({}), TREE, lambda: stored)

    assert isinstance(answer.exception(0), StoreFailed)


def test_who_left_is_not_told_and_others_are_refused():
    reads = Reads()
    left, stays = reads.add({}, len), reads.add({}, len)
    left.cancel()

    reads.fail_all(WorkerExited(), done())

    assert isinstance(stays.exception(0), WorkerExited)
    with pytest.raises(CancelledError):
        left.result(0)


def test_what_is_at_a_path():
    file = FileNode("f", datetime.fromtimestamp(3, UTC), size_bytes=4)

    assert nodes_at("/d", TREE) == nodes_at("/d/f", TREE) == [file]
    assert [n.name for n in nodes_at("/", TREE)] == ["d", "dangling", "link", "out"]
    assert content_at("/link", TREE) == b"data"


@pytest.mark.parametrize(("path", "error"), [("/dangling", FileNotFound), ("/out", BadInput), ("/d", BadInput)])
def test_what_cannot_be_read(path, error):
    with pytest.raises(error):
        content_at(path, TREE)


def test_a_time_that_no_calendar_has_is_the_last_one_that_it_has():
    tree = FileTree()
    tree.make_file(tree.resolve(tree.root, "f", follow=False), (2**64 - 1) * 10**9)

    (node,) = nodes_at("/", tree)

    assert node.modified_at.year == 9999


def test_a_read_that_breaks_is_its_own_affair():
    reads = Reads()
    answer = reads.add({}, lambda tree: 1 // 0)

    answer_reads(reads.take_due({}), TREE, done)

    assert isinstance(answer.exception(0), ZeroDivisionError)
