from golem_nb.notebook.visible import beside, cut, fitted, lines_visible, visible, width_of


def test_what_would_move_the_cursor_is_shown():
    assert visible("\x1b[31mred\x07\r\x9b1mä\tb\n\n") == "\\x1b[31mred\\x07\\x0d\\x9b1mä\\x09b"
    assert visible("two\nlines\n") == "two⏎lines"
    assert visible("\u202eevil\ud800\u2028") == "\\u202eevil\\ud800\\u2028"
    assert lines_visible("a\nb\x1b\n") == "a\nb\\x1b\n"


def test_long_texts_are_cut_where_they_differ():
    same = "x" * 1000

    assert beside("a", "b", 60) == ("a", "b")
    assert beside(f"{same}yz", f"{same}z", 60) == (f"…{'x' * 20}yz", f"…{'x' * 20}z")
    assert beside(same, f"{same}y", 60) == (f"…{'x' * 20}", f"…{'x' * 20}y")
    assert cut(same, 60) == f"{'x' * 59}…" and len(cut("\x1b" * 60, 60)) == 60


def test_a_text_is_fitted_into_columns_of_a_terminal():
    assert [width_of(text) for text in ("ab", "漢", "e\u0301", "a\u200b")] == [2, 2, 1, 1]
    assert (fitted("ab", 4), fitted("ab", 4, is_right=True)) == ("ab  ", "  ab")
    assert (fitted("abcdef", 4), fitted("abcdef", 4, from_end=True)) == ("abc…", "…def")
    assert fitted("漢字漢", 4) == "漢… "
