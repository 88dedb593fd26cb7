from golem_nb.errors import DataFolderUnsuitable
from golem_nb.server import doctor


def test_a_healthy_machine_has_only_good_findings():
    assert all(finding.is_good for finding in doctor.examine())


def test_what_fails_is_a_finding_not_a_crash():
    def broken():
        raise DataFolderUnsuitable("no room")

    assert doctor._tried("engine", broken) == doctor.Finding("engine", False, "no room")
