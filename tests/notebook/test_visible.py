from golem_nb.notebook.visible import beside, cut, visible


def test_what_would_move_the_cursor_is_shown():
    assert visible("\x1b[31mred\x07\r\x9b1mä\tb\n\n") == "\\x1b[31mred\\x07\\x0d\\x9b1mä\\x09b"
    assert visible("two\nlines\n") == "two⏎lines"


def test_long_texts_are_cut_where_they_differ():
    same = "x" * 1000

    assert beside("a", "b", 60) == ("a", "b")
    assert beside(f"{same}yz", f"{same}z", 60) == (f"…{'x' * 20}yz", f"…{'x' * 20}z")
    assert beside(same, f"{same}y", 60) == (f"…{'x' * 20}", f"…{'x' * 20}y")
    assert cut(same, 60) == f"{'x' * 59}…" and len(cut("\x1b" * 60, 60)) == 60
