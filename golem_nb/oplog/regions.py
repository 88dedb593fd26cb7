"""Sets of oplog indices that replay skips, as ranges. Source: SEMANTICS 3.10."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from golem_nb.model import OplogIndex


@dataclass(frozen=True, slots=True)
class Regions:
    """Ranges with both ends included, ascending; those that touch are one."""

    ranges: tuple[tuple[OplogIndex, OplogIndex], ...] = ()

    def adding(self, start: OplogIndex, end: OplogIndex) -> Regions:
        merged: list[tuple[OplogIndex, OplogIndex]] = []
        for first, last in sorted((*self.ranges, (start, end))):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return Regions(tuple(merged))

    def end_around(self, index: OplogIndex) -> OplogIndex | None:
        """Return the end of the range that `index` lies in; None where it lies in none."""
        place = bisect_right(self.ranges, index, key=lambda r: r[0])
        if place == 0:
            return None
        end = self.ranges[place - 1][1]
        return end if index <= end else None

    def __contains__(self, index: OplogIndex) -> bool:
        return bool(self.ranges) and self.end_around(index) is not None

    def __iter__(self) -> Iterator[tuple[OplogIndex, OplogIndex]]:
        return iter(self.ranges)


def regions_of(ranges: Iterable[tuple[OplogIndex, OplogIndex]]) -> Regions:
    regions = Regions()
    for start, end in ranges:
        regions = regions.adding(start, end)
    return regions
