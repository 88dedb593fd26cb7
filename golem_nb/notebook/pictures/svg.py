"""A small SVG, and how a notebook holds it: as an image in a data address.

A stored notebook drops `<svg>` and keeps `<img>` (UX, F9). An image does not know the page's theme, so it has no ground
and the colours of the status palette, which hold on white and on JupyterLab's dark.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape

GREY = "#767676"
Span = tuple[float, float]


def _n(number: float) -> str:
    """A tenth of a pixel is enough, and shorter."""
    return f"{number:.1f}".removesuffix(".0")


class Svg:
    """What was drawn so far; `x` grows to the right and `y` downwards, in pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []
        self._patterns: dict[str, str] = {}

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "start", fill: str = GREY, bold: bool = False
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" fill="{fill}"{weight}>{escape(text)}</text>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, *, dashes: str = "", opacity: float = 1) -> None:
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self._parts.append(
            f'<path d="M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}" stroke="{GREY}" opacity="{opacity:g}"{dashed}/>'
        )

    def bars(self, spans: Iterable[Span], y: float, height: float, colour: str, *, hatched: bool = False) -> None:
        """Draw bars beside each other, as one path: they may be thousands."""
        path = "".join(f"M{_n(a)} {_n(y)}h{_n(b - a)}v{_n(height)}h{_n(a - b)}z" for a, b in spans)
        if path:
            edge = f' stroke="{colour}" stroke-width=".7"' if hatched else ""
            self._parts.append(f'<path d="{path}" fill="{self._hatch(colour) if hatched else colour}"{edge}/>')

    def dots(self, places: Iterable[Span], radius: float, colour: str, *, hollow: bool = False) -> None:
        """Draw dots, as one path: a line of no length with round ends is a dot; a ring is two arcs."""
        if hollow:
            r, d = _n(radius), _n(radius * 2)
            path = "".join(f"M{_n(x - radius)} {_n(y)}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0" for x, y in places)
            style = f'fill="none" stroke="{colour}" stroke-width="1"'
        else:
            path = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in places)
            style = f'stroke="{colour}" stroke-width="{_n(radius * 2)}" stroke-linecap="round"'
        if path:
            self._parts.append(f'<path d="{path}" {style}/>')

    def _hatch(self, colour: str) -> str:
        name = f"h{colour.lstrip('#')}"
        self._patterns[name] = (
            f'<pattern id="{name}" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<path d="M1 0v4" stroke="{colour}" stroke-width="1.6"/></pattern>'
        )
        return f"url(#{name})"

    def source(self) -> str:
        defined = f"<defs>{''.join(self._patterns.values())}</defs>" if self._patterns else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="DejaVu Sans,sans-serif" font-size="11">'
            f"{defined}{''.join(self._parts)}</svg>"
        )

    def img(self, alt: str) -> str:
        data = b64encode(self.source().encode()).decode()
        return (
            f'<img alt="{escape(alt)}" width="{self.width}" style="max-width:100%;height:auto;background:none" '
            f'src="data:image/svg+xml;base64,{data}">'
        )
