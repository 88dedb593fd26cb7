"""A component's initial files and the files of its workers: replay, snapshots, updates, looks from outside."""

import shutil
from concurrent.futures import TimeoutError
from contextlib import suppress

import pytest

from golem_nb.engine.engine import Engine
from golem_nb.errors import BadInput, FileNotFound, PreviousInvocationFailed, WorkerNotFound
from golem_nb.model import (
    LOCAL_ENVIRONMENT,
    ComponentOptions,
    ComponentType,
    FileContent,
    SnapshotPolicy,
    UpdateMode,
    UpdateState,
    WorkerId,
)
from golem_nb.oplog.entries import ImportedFunctionInvoked, PendingUpdate
from tests.engine.conftest import until
from tests.test_linking import wasm
from tests.test_rpc import cut, oplog_of, write_oplog

FOLDER = wasm("folder")
NOT_PERMITTED = -1 - 31  # WASI's error code
FILES = {
    "/etc/motd": FileContent(b"hello"),
    "/log": FileContent(b"begun;", is_read_only=False),
    "/old": FileContent(b"old"),
}
NEW_FILES = {
    "/etc/motd": FileContent(b"welcome"),
    "/log": FileContent(b"other;", is_read_only=False),
    "/etc/new/more": FileContent(b"more"),
}


class Bench:
    """A worker of a component that has `FILES` in version 0."""

    def __init__(self, folder, component=None, options=None):
        self.folder, self.engine = folder, Engine.open(folder)
        options = options or ComponentOptions()
        self.component = component or self.engine.create_component(LOCAL_ENVIRONMENT, "f", FOLDER, options, FILES).id
        self.worker = WorkerId(self.component, "w")

    def run(self, function, *params, key=None):
        result = self.engine.invoke_and_await(self.worker, function, list(params), key).result(20)
        return None if result is None else result.value

    def contents(self, *paths):
        return [self.run("content", path) for path in paths]

    def files(self, path="/"):
        return {node.name: node for node in self.engine.worker_files(self.worker, path).result(20)}

    def file(self, path):
        return self.engine.worker_file(self.worker, path).result(20)

    def add_version(self, files=NEW_FILES, options=None):
        return self.engine.update_component(self.component, FOLDER, options, files).version

    def update(self, version, mode=UpdateMode.AUTOMATIC):
        before = len(self.engine.worker(self.worker).updates) if self.has_worker() else 0
        self.engine.update_worker(self.worker, version, mode)
        until(lambda: [u.state for u in self.engine.worker(self.worker).updates[before:]] != [])
        until(lambda: self.engine.worker(self.worker).updates[-1].state is not UpdateState.PENDING)
        return self.engine.worker(self.worker).updates[-1]

    def has_worker(self):
        try:
            self.engine.worker(self.worker)
        except WorkerNotFound:
            return False
        return True

    def crash(self):
        self.engine.crash_worker(self.worker)

    def reopen(self):
        self.engine.close()
        self.engine = Engine.open(self.folder)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "data")
    yield made
    made.engine.close()


# Initial files.


def test_a_worker_begins_with_the_files_of_its_component(bench):
    assert bench.contents("etc/motd", "log", "old", "none") == ["hello", "begun;", "old", "?"]


def test_a_component_tells_its_files(bench):
    told = {f.path: (f.size_bytes, f.is_read_only) for f in bench.engine.component(bench.component).options.files}

    assert told == {"/etc/motd": (5, True), "/log": (6, False), "/old": (3, True)}


def test_read_only_files_refuse_changes_and_others_are_the_workers(bench):
    assert bench.run("append", "etc/motd", "!") == NOT_PERMITTED
    assert bench.run("unlink", "etc/motd") == NOT_PERMITTED
    assert [bench.run("append", "log", "x"), bench.run("append", "mine", "y"), bench.run("unlink", "mine")] == [0, 0, 0]
    assert bench.contents("etc/motd", "log", "mine") == ["hello", "begun;x", "?"]


def test_what_a_worker_writes_is_its_own(bench):
    bench.run("append", "log", "x")

    bench.worker = WorkerId(bench.component, "other")

    assert bench.contents("log") == ["begun;"]


def test_files_and_their_times_are_the_same_after_a_crash(bench):
    bench.run("append", "log", "x")
    times = [bench.run("modified", path) for path in ("log", "etc/motd")]

    bench.crash()

    assert bench.contents("etc/motd", "log") == ["hello", "begun;x"]
    assert [bench.run("modified", path) for path in ("log", "etc/motd")] == times
    bench.reopen()
    assert bench.file("/log") == b"begun;x"


def test_a_new_version_keeps_the_files_unless_it_is_given_others(bench):
    bench.engine.update_component(bench.component, FOLDER)
    with_options = bench.engine.update_component(bench.component, FOLDER, ComponentOptions(env={"A": "b"}))
    assert [f.path for f in with_options.options.files] == ["/etc/motd", "/log", "/old"]

    assert bench.engine.update_component(bench.component, FOLDER, None, {}).options.files == ()


@pytest.mark.parametrize(
    "files",
    [
        {"/a": FileContent(b""), "a": FileContent(b"")},
        {"/a": FileContent(b""), "/a/b": FileContent(b"")},
        {"/": FileContent(b"")},
        {"/../a": FileContent(b"")},
        {"/a\0": FileContent(b"")},
        {f"/{'a' * 256}": FileContent(b"")},
        {"/a" * 501: FileContent(b"")},
        {f"/{n}": FileContent(b"") for n in range(1001)},
    ],
    ids=["twice", "below a file", "the root", "upwards", "nul", "long", "deep", "many"],
)
def test_files_that_cannot_be_are_refused(bench, files):
    with pytest.raises(BadInput):
        bench.engine.update_component(bench.component, FOLDER, None, files)


def test_a_worker_whose_file_is_missing_starts_when_it_is_mended(bench, tmp_path):
    for file in (tmp_path / "data" / "files").iterdir():
        file.write_bytes(b"damaged")
    bench.reopen()
    waiting = bench.engine.invoke_and_await(bench.worker, "content", ["old"])
    with pytest.raises(TimeoutError):
        waiting.result(0.3)

    bench.add_version(FILES)

    assert waiting.result(20).value == "old"


# Updates.


def after_update(bench):
    assert bench.contents("etc/motd", "log", "old", "etc/new/more") == ["welcome", "begun;x", "?", "more"]


@pytest.mark.parametrize("mode", list(UpdateMode))
def test_an_update_changes_read_only_files_and_leaves_the_workers_own(bench, mode):
    bench.run("append", "log", "x")

    assert bench.update(bench.add_version(), mode).state is UpdateState.SUCCESSFUL

    after_update(bench)
    assert bench.run("append", "etc/new/more", "!") == NOT_PERMITTED


@pytest.mark.parametrize("mode", list(UpdateMode))
def test_replay_meets_the_files_of_each_time(bench, mode):
    """What was read before an update is compared with what replay reads: the results are recorded."""
    assert bench.contents("etc/motd", "old", "etc/new/more") == ["hello", "old", "?"]
    bench.run("append", "log", "x")
    bench.update(bench.add_version(), mode)
    assert bench.contents("etc/motd", "old") == ["welcome", "?"]
    bench.update(bench.add_version({"/etc/motd": FileContent(b"bye"), "/old": FileContent(b"anew")}), mode)
    assert bench.contents("etc/motd", "old", "log", "etc/new/more") == ["bye", "anew", "begun;x", "?"]

    for lose in (bench.crash, bench.reopen):
        lose()
        assert bench.contents("etc/motd", "old", "log", "etc/new/more") == ["bye", "anew", "begun;x", "?"]
    bench.run("append", "log", "y")
    assert bench.file("log") == b"begun;xy"


def test_modes_of_update_can_follow_each_other(bench):
    bench.run("append", "log", "x")
    for number, mode in enumerate((UpdateMode.AUTOMATIC, UpdateMode.MANUAL, UpdateMode.AUTOMATIC, UpdateMode.MANUAL)):
        version = bench.add_version({"/n": FileContent(b"%d" % number)})
        assert bench.update(version, mode).state is UpdateState.SUCCESSFUL
        assert bench.contents("n", "log", "etc/motd") == [str(number), "begun;x", "?"]
        bench.crash()
        assert bench.contents("n", "log", "etc/motd") == [str(number), "begun;x", "?"]


@pytest.mark.parametrize("mode", list(UpdateMode))
def test_a_worker_without_history_is_updated(bench, mode):
    bench.engine.launch_worker(bench.component, "w")
    bench.update(bench.add_version(), mode)

    assert bench.contents("etc/motd", "old") == ["welcome", "?"]
    bench.reopen()
    assert bench.contents("etc/motd", "old", "log") == ["welcome", "?", "begun;"]


@pytest.mark.parametrize("mode", list(UpdateMode))
@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"/log": FileContent(b"z")}, "was read-write and cannot become read-only"),
        ({"/mine": FileContent(b"z")}, "/mine cannot be put where the worker has one of its own"),
        ({"/mine/below": FileContent(b"z")}, "the worker's /mine is no directory"),
    ],
)
def test_files_that_are_in_each_others_way_fail_the_update(bench, files, why, mode):
    bench.run("append", "mine", "x")

    update = bench.update(bench.add_version(files), mode)

    assert update.state is UpdateState.FAILED
    assert why in update.details
    assert bench.contents("etc/motd", "mine") == ["hello", "x"]
    bench.crash()
    assert bench.contents("etc/motd", "mine") == ["hello", "x"]


def test_a_read_only_file_can_become_the_workers(bench):
    bench.run("content", "old")
    bench.update(bench.add_version({"/old": FileContent(b"new", is_read_only=False)}))

    assert bench.run("append", "old", "!") == 0
    bench.crash()
    assert bench.contents("old") == ["new!"]


@pytest.mark.parametrize("mode", list(UpdateMode))
def test_every_prefix_of_a_history_with_an_update_is_a_legal_crash(tmp_path, mode):
    bench = Bench(tmp_path / "data")
    bench.run("append", "log", "x")
    bench.contents("etc/motd")
    bench.update(bench.add_version(), mode)
    bench.contents("etc/motd")
    bench.run("append", "log", "y")
    bench.engine.close()

    for length in range(1, len(oplog_of(tmp_path / "data", "w")) + 1):
        shutil.copytree(tmp_path / "data", tmp_path / f"cut{length}")
        cut(tmp_path / f"cut{length}", "w", length)
        again = Bench(tmp_path / f"cut{length}", bench.component)
        try:
            until(lambda again=again: not again.engine.is_busy)
            version = again.engine.worker(again.worker).component_version
            assert again.contents("etc/motd", "old") == [["hello", "old"], ["welcome", "?"]][version], length
        finally:
            again.engine.close()


def test_an_update_in_the_middle_of_an_invocation_changes_the_files_there(tmp_path):
    bench = Bench(tmp_path / "data")
    assert bytes(bench.run("around", "etc/motd", key="k")) == b"hh"
    bench.add_version()
    bench.engine.close()
    entries = oplog_of(bench.folder, "w")
    until_stat = next(n for n, entry in enumerate(entries, 1) if isinstance(entry, ImportedFunctionInvoked))
    write_oplog(bench.folder, "w", [*entries[:until_stat], PendingUpdate(entries[-1].timestamp_us, 1)])

    bench.engine = Engine.open(bench.folder)

    assert bytes(bench.run("around", "etc/motd", key="k")) == b"hw"
    for lose in (bench.crash, bench.reopen):
        lose()
        assert bytes(bench.run("around", "etc/motd")) == b"ww"
    bench.engine.close()


def test_a_revert_to_before_an_update_takes_its_files_back(bench):
    bench.contents("etc/motd")
    last = bench.engine.worker(bench.worker).last_index
    bench.update(bench.add_version())
    bench.contents("etc/motd")

    bench.engine.revert_worker(bench.worker, last_index=last)

    assert bench.engine.worker(bench.worker).component_version == 0
    assert bench.contents("etc/motd", "old") == ["hello", "old"]


def test_a_fork_has_the_files_of_its_time(bench):
    bench.run("append", "log", "x")
    bench.update(bench.add_version())
    after_update(bench)

    bench.engine.fork_worker(bench.worker, WorkerId(bench.component, "fork"), None)

    bench.worker = WorkerId(bench.component, "fork")
    after_update(bench)


# Snapshots.


def test_a_snapshot_keeps_the_files_and_not_what_the_component_has_anyhow(bench):
    bench.engine.set_snapshot_policy(bench.component, SnapshotPolicy(every_invocations=2))
    bench.run("append", "log", "x")
    bench.run("append", "mine", "y")
    bench.contents("etc/motd", "log")
    snapshot = [e for _, e in bench.engine.oplog(bench.worker).entries if type(e).__name__ == "Snapshot"][-1]
    assert b"begun;x" in snapshot.host.files
    assert b"hello" not in snapshot.host.files

    bench.reopen()

    assert bench.contents("etc/motd", "log", "mine") == ["hello", "begun;x", "y"]
    assert bench.run("append", "etc/motd", "!") == NOT_PERMITTED


def test_snapshots_before_and_after_an_update_are_recovered_from(bench):
    bench.engine.set_snapshot_policy(bench.component, SnapshotPolicy(every_invocations=1))
    bench.run("append", "log", "x")
    bench.update(bench.add_version())
    bench.reopen()
    after_update(bench)
    bench.reopen()
    after_update(bench)
    assert bench.engine.worker(bench.worker).entries_replayed < 5


# Ephemeral workers.


def test_each_invocation_of_an_ephemeral_worker_begins_with_the_files(tmp_path):
    bench = Bench(tmp_path / "data", options=ComponentOptions(type=ComponentType.EPHEMERAL))
    try:
        bench.run("append", "log", "x")
        assert bench.contents("log") == ["begun;"]
        bench.update(bench.add_version({"/log": FileContent(b"z")}))
        assert bench.contents("log", "old") == ["z", "?"]
        assert bench.file("log") == b"z"
    finally:
        bench.engine.close()


# Looking at them from outside.


def test_files_are_listed(bench):
    bench.run("append", "log", "x")

    found = bench.files()

    assert [(name, f.is_directory, f.is_read_only, f.size_bytes) for name, f in found.items()] == [
        ("etc", True, False, 0),
        ("log", False, False, 7),
        ("old", False, True, 3),
    ]
    assert list(bench.files("/etc")) == ["motd"]
    assert list(bench.files("etc/motd")) == ["motd"]
    assert bench.file("//etc/./motd") == b"hello"


def test_a_look_waits_for_what_was_accepted_before_and_leaves_no_trace(bench):
    bench.run("content", "log")
    for _ in range(20):
        bench.engine.invoke(bench.worker, "append", ["log", "x"])
    assert bench.file("log") == b"begun;" + b"x" * 20
    last = bench.engine.worker(bench.worker).last_index

    bench.reopen()

    assert bench.file("log") == b"begun;" + b"x" * 20
    assert bench.engine.worker(bench.worker).last_index == last


def test_what_is_not_there_or_of_the_wrong_kind_is_refused(bench):
    bench.run("content", "log")

    for path in ("none", "etc/none", "log/below"):
        with pytest.raises(FileNotFound, match=path):
            bench.file(path)
        with pytest.raises(FileNotFound):
            bench.files(path)
    with pytest.raises(BadInput, match="directory"):
        bench.file("etc")
    with pytest.raises(BadInput, match=r"\.\."):
        bench.files("../etc")
    bench.worker = WorkerId(bench.component, "nobody")
    with pytest.raises(WorkerNotFound):
        bench.files()


def test_a_failed_worker_shows_no_files(bench):
    with pytest.raises(Exception, match="unreachable"):
        bench.run("fail")

    with pytest.raises(PreviousInvocationFailed):
        bench.files()


def test_a_look_that_waits_for_an_invocation_that_fails_is_refused(bench):
    bench.run("content", "log")
    bench.engine.invoke(bench.worker, "fail", []).result(20)

    with pytest.raises(PreviousInvocationFailed):
        bench.files()


def test_looks_at_a_worker_that_is_deleted_meanwhile_are_answered_or_refused(bench):
    bench.run("content", "log")
    looks = [bench.engine.worker_files(bench.worker) for _ in range(50)]
    bench.engine.delete_worker(bench.worker)

    for look in looks:
        with suppress(WorkerNotFound):
            assert len(look.result(5)) == 3
