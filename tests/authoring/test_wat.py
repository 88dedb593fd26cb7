import pytest

from golem_nb.authoring.wat import TextRejected, component_from_text
from golem_nb.errors import ComponentRejected


def test_text_becomes_a_component():
    assert component_from_text("(component)")[:8] == b"\0asm\x0d\0\x01\0"


def test_the_text_of_a_module_is_refused():
    with pytest.raises(ComponentRejected, match="core module"):
        component_from_text("(module)")


def test_a_fault_is_told_with_its_place():
    with pytest.raises(TextRejected, match="line 1, column 1"):
        component_from_text("hello")
