from golem_nb.notebook.visible import visible


def test_what_would_move_the_cursor_is_shown():
    assert visible("\x1b[31mred\x07\r\x9b1mä\tb\n\n") == "\\x1b[31mred\\x07\\x0d\\x9b1mä\\x09b"
    assert visible("two\nlines\n") == "two⏎lines"
