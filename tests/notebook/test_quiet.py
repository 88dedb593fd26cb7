from types import SimpleNamespace

from golem_nb.notebook.quiet import QuietPublisher
from golem_nb.notebook.surroundings import Surroundings


class Publisher:
    def __init__(self):
        self.published = []

    def publish(self, data, *rest, **options):
        self.published.append(data["text/plain"])


def test_what_is_displayed_is_hidden_and_stays_so_when_it_is_renewed():
    real = Publisher()
    quiet = QuietPublisher(real)

    quiet.publish({"text/plain": "without"})
    quiet.publish({"text/plain": "pane"}, transient={"display_id": "a"})
    quiet.publish({"text/plain": "renewed"}, transient={"display_id": "a"}, update=True)

    assert real.published == []


def test_a_pane_of_an_earlier_cell_is_renewed():
    real = Publisher()

    QuietPublisher(real).publish({"text/plain": "closed"}, transient={"display_id": "earlier"}, update=True)

    assert real.published == ["closed"]


def test_the_shell_has_its_own_publisher_again(capsys):
    shell = SimpleNamespace(display_pub=Publisher())
    real = shell.display_pub

    with Surroundings(shell).quiet():
        print("hidden")
        assert shell.display_pub is not real

    print("shown")
    assert shell.display_pub is real
    assert capsys.readouterr().out == "shown\n"
