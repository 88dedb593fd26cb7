import ipywidgets as ui
import pytest

from golem_nb.client.local import LocalClient
from golem_nb.engine.engine import Engine
from golem_nb.model import Shadow, WorkerId
from golem_nb.notebook import travel as module
from golem_nb.notebook.replay import Replay
from golem_nb.notebook.travel import Travel
from tests.engine.test_shadows import dice
from tests.notebook.test_form import first


@pytest.fixture
def travel():
    """The panel of a worker that drew twice: entries 2 to 5 and 6 to 9; its forks are in `made`."""
    client = LocalClient(Engine.open("memory:"))
    component = client.create_component("dice", dice())
    worker = WorkerId(component.id, "w")
    sums = [client.invoke_and_await(worker, "draw", []).value for _ in range(2)]
    made = []
    panel = Travel(
        Replay.of(lambda: client, worker, "dice/w", Shadow()), component.exports, lambda *of: made.append(of)
    )
    panel.made, panel.sums = made, sums
    yield panel
    client.close()


def test_the_slider_goes_to_any_index(travel):
    assert (travel.slider.max, travel.index, travel.step.disabled) == (9, 9, True)

    travel.slider.value = 5

    assert travel.index == 5
    assert "as it was at index 5" in travel.seen.html()
    assert travel.step.disabled is False


def test_a_step_goes_to_the_next_host_call(travel):
    travel.slider.value = 1
    travel.step.click()
    first_call = travel.index
    travel.step.click()

    assert (first_call, travel.index, travel.slider.value) == (4, 8, 8)
    assert "get_random_u64" in travel.seen.html()


def test_a_function_is_called_where_the_slider_is(travel):
    told = {}
    travel.function.value = next(f for _, f in travel.function.options if f is not None and f.name == "tell")
    for index in (1, 5, 9):
        travel.slider.value = index
        button = first(travel.widget.children[2], ui.Button)
        button.click()
        told[index] = travel.widget.children[2].children[0].children[-1].value

    assert "✓</span> 0<" in told[1]
    assert f"✓</span> {travel.sums[0]}<" in told[5]
    assert f"✓</span> {travel.sums[1]}<" in told[9]


def test_a_fork_is_made_where_the_slider_is(travel):
    travel.slider.value = 5
    travel.name.value = "other"
    travel.fork.click()
    (fork, index) = travel.made[0]

    assert (fork.name, index) == ("other", 5)
    assert "other goes on from index 5" in travel.forked.value
    assert travel.replay.client().invoke_and_await(fork, "tell", []).value == travel.sums[0]

    travel.fork.click()
    assert travel.forked.value.startswith("<div>✕") and len(travel.made) == 1


def test_a_worker_that_is_gone_is_said(travel):
    travel.replay.client().delete_worker(travel.replay.worker)
    travel.slider.value = 3

    assert travel.seen.text().startswith("✕ stays at index 9: ")


def test_a_step_that_fails_leaves_the_slider_where_it_was(travel):
    travel.slider.value = 5
    travel.replay.client().delete_worker(travel.replay.worker)

    travel.slider.value = 3

    assert (travel.slider.value, travel.index) == (5, 5)
    assert "stays at index 5" in travel.seen.html() and "as it was at index 5" in travel.seen.html()
    travel.step.click()
    assert (travel.slider.value, travel.index) == (5, 5)


def test_an_index_that_is_not_there_leaves_what_is_shown_and_the_next_one_is(travel):
    travel.go(99)
    assert (travel.slider.value, travel.slider.max) == (9, 9) and "stays at index 9" in travel.seen.text()

    travel.slider.value = 4
    assert "as it was at index 4" in travel.seen.text() and "stays" not in travel.seen.text()


def test_what_is_stored_is_the_index_that_was_chosen_last(travel, monkeypatch):
    shown = {}
    monkeypatch.setattr(module, "display", lambda widget, display_id: shown.update(inputs=display_id))
    monkeypatch.setattr(module, "publish", lambda bundle, display_id, update=False: shown.update({display_id: bundle}))
    travel._ipython_display_()
    (seen,) = shown.keys() - {"inputs"}
    assert "at index 9" in shown[seen]["text/html"]

    travel.slider.value = 4

    assert "at index 4" in shown[seen]["text/html"] and "at index 4" in shown[seen]["text/plain"]
    assert "▶     4  ImportedFunctionInvoked" in shown[seen]["text/plain"]
    travel.close()
    assert shown[shown["inputs"]] == {"text/plain": "", "text/html": ""}


def test_the_slider_grows_with_the_oplog(travel):
    travel.replay.client().invoke_and_await(travel.replay.worker, "draw", [])
    travel.slider.value = 5

    assert travel.slider.max == 13
    travel.slider.value = 13
    assert travel.index == 13


def test_in_the_midst_of_an_invocation_it_says_what_functions_answer(travel):
    travel.go(4)
    assert "answer as when the invocation before it had ended" in travel.seen.text()
    travel.go(5)
    assert "functions there" not in travel.seen.text()


def test_what_is_answered_otherwise_is_not_forked(travel):
    travel.replay = Replay.of(travel.replay.client, travel.replay.worker, "dice/w", Shadow(answers={4: 5}, to_index=4))
    travel.name.value = "other"
    travel.fork.click()

    assert "a fork has what is recorded" in travel.forked.value
    assert travel.made == []
