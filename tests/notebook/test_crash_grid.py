from golem_nb.notebook.crash_grid import COLUMNS, CrashGrid, CrashRun, Outcome


def grid(*outcomes):
    runs = tuple(CrashRun(n, "Log", "<b>", outcome, f"r{n}", 2.0) for n, outcome in enumerate(outcomes, 5))
    return CrashGrid("c/w", "f", runs, "7")


def test_a_grid_has_a_cell_for_each_crash_and_a_line_for_each_that_differs():
    shown = grid(Outcome.SAME, Outcome.OTHER, Outcome.FAILED)

    assert (shown.survived, shown.points, shown.is_safe) == (2, 3, False)
    first, cells, *others = shown.text().splitlines()
    assert first == (
        "worker c/w: f survived 2 of 3 crashes; without one it gives 7; "
        "1 came to another result, for what was not recorded yet"
    )
    assert cells == "  ✓≈✕"
    assert [line.split()[:2] for line in others] == [["≈", "6"], ["✕", "7"]]


def test_html_needs_neither_script_nor_colour_and_escapes():
    html = grid(Outcome.SAME, Outcome.FAILED).html()

    assert "<b>" not in html.replace("<b>worker c/w</b>", "") and "&lt;b&gt;" in html
    assert "<script" not in html and "✓" in html and "✕" in html
    assert "entry behind which it was" in html


def test_long_grids_have_rows_and_a_frame():
    shown = grid(*[Outcome.SAME] * (COLUMNS + 3))

    assert [len(row.strip()) for row in shown.text().splitlines()[1:]] == [COLUMNS, 3]
    frame = shown.frame()
    assert list(frame.columns) == ["index", "kind", "name", "outcome", "result", "ms"]
    assert set(frame["outcome"]) == {"same"}
