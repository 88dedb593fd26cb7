import pytest

from golem_nb.wasm.text import TextRejected, wasm_from_text


def test_component_text_becomes_a_component():
    assert wasm_from_text("(component)").hex() == "0061736d0d000100"


def test_an_error_names_its_line_and_column():
    with pytest.raises(TextRejected) as caught:
        wasm_from_text("(component\n  (core modul))")

    assert (caught.value.line, caught.value.column) == (2, 4)
    assert str(caught.value).startswith("line 2, column 4: ")
