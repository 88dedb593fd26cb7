from golem_nb.notebook.pictures.live import LivePicture


def test_the_browser_gets_mark_form_and_content():
    state = LivePicture("n1", "timeline", {"a": 1}).get_state()

    assert (state["name"], state["form"], state["content"], state["tells"]) == ("n1", "timeline", {"a": 1}, False)
    assert "export default" in LivePicture._esm if isinstance(LivePicture._esm, str) else str(LivePicture._esm)


def test_what_a_reader_does_is_told():
    told = []
    widget = LivePicture("n1", "scrubber", {}, told.append)

    widget._handle_custom_msg({"row": 3}, [])

    assert told == [{"row": 3}]
    assert widget.tells
