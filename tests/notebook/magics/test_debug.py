import pytest

from golem_nb.errors import UsageError


def test_the_traceback_of_the_last_error_is_shown(notebook):
    nothing = notebook.run("%golem_debug")
    with pytest.raises(UsageError):
        notebook.run("%golem_oplog")
    shown = notebook.run("%golem_debug")

    assert nothing.text() == "no magic has failed"
    assert shown.text().startswith("Traceback") and "session.py" in shown.text()
    assert shown.text().endswith("UsageError: which worker? name one as component/worker")


def test_errors_can_be_long_at_once(notebook):
    notebook.run("%config GolemMagics.short_errors = False")
    with pytest.raises(UsageError) as caught:
        notebook.run("%golem_oplog")

    lines = caught.value._render_traceback_()
    assert lines[0].startswith("Traceback") and lines[-1].endswith("name one as component/worker")
