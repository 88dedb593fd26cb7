"""Resources of a component that are named by what they are made of, as in Golem 1.2. Source: SEMANTICS 2.3.

shop:cart/api.{cart("user-1").add-item}     a method of the cart that `cart("user-1")` makes when it is first named
shop:cart/api.{cart("user-1").new}          makes it, if need be, and gives its handle
shop:cart/api.{cart("user-1").drop}         drops it
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"\s*([^()\s]+)\s*\((.*)\)\s*\.\s*([A-Za-z0-9-]+)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class IndexedName:
    """A function's name in its parts. `arguments` is WAVE text as it was written."""

    site: str
    resource: str
    arguments: str
    member: str

    @property
    def constructor(self) -> str:
        return f"{self.site}.{{[constructor]{self.resource}}}"

    @property
    def function(self) -> str:
        """The name of the function that is called with the resource; of its drop where that is the member."""
        kind = f"[drop]{self.resource}" if self.member == "drop" else f"[method]{self.resource}.{self.member}"
        return f"{self.site}.{{{kind}}}"

    def __str__(self) -> str:
        return f"{self.site}.{{{self.resource}({self.arguments}).{self.member}}}"


def indexed_name(name: str) -> IndexedName | None:
    """Return the parts of a name that names a resource by its arguments; None for any other name."""
    site, brace, inner = name.partition(".{")
    if not brace or not inner.rstrip().endswith("}"):
        return None
    found = _NAME.fullmatch(inner.rstrip()[:-1])
    return IndexedName(site.strip(), found[1], found[2].strip(), found[3]) if found else None
