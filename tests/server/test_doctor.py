import pytest

from golem_nb.errors import BuildFailed, DataFolderUnsuitable, ToolMissing
from golem_nb.server import doctor


def test_a_healthy_machine_has_only_good_findings():
    assert all(finding.is_good for finding in doctor.examine())


def test_what_fails_is_a_finding_not_a_crash():
    def broken():
        raise DataFolderUnsuitable("no room")

    assert doctor._tried("engine", broken) == doctor.Finding("engine", False, "no room")


@pytest.mark.parametrize(
    ("error", "finding"),
    [
        (None, (True, "the runtime is there (x.wasm)")),
        (ToolMissing("install Node"), (True, "not on this machine: install Node")),
        (BuildFailed("the world is wrong"), (False, "the world is wrong")),
    ],
)
def test_javascript_can_be_done_without_but_not_be_broken(monkeypatch, error, finding):
    def prepare(step):
        if error:
            raise error
        return "x.wasm"

    monkeypatch.setattr(doctor, "prepare_javascript", prepare)

    assert doctor.examined_javascript(print) == doctor.Finding("JavaScript workers", *finding)
