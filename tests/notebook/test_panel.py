import ipywidgets as ui

from golem_nb.notebook.panel import Panel
from golem_nb.notebook.views import Text


def test_what_is_stored_beside_the_widgets_reads_without_them():
    panel = Panel([ui.Button(description="go")], lambda: Text("as <it> was"))

    bundle = panel._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle

    assert data["text/plain"] == "as <it> was"
    assert "as &lt;it&gt; was" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(panel.children) == 1
