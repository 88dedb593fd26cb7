from types import SimpleNamespace

import pytest

from golem_nb.errors import ComponentNotFound
from golem_nb.notebook.finding import find_component
from tests.notebook.fake import SHOP


class Client:
    def component(self, id):
        return SHOP if id == SHOP.id else self.missing()

    def component_by_name(self, name):
        return SHOP if name == SHOP.name else self.missing()

    def missing(self):
        raise ComponentNotFound("no such component")

    def components(self):
        return [SHOP, SimpleNamespace(name="bank")]


def test_a_component_is_found_by_name_and_by_id():
    assert find_component(Client(), "shop") is find_component(Client(), str(SHOP.id)) is SHOP


@pytest.mark.parametrize(("name", "hint"), [("shpo", "did you mean shop?"), ("x", "there are: shop, bank")])
def test_one_that_is_missing_is_told_with_what_there_is(name, hint):
    with pytest.raises(ComponentNotFound, match=hint):
        find_component(Client(), name)
