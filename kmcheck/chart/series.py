"""What a chart is of: panels side by side, and in each the same lines."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

Sort = Literal["holds", "violated", "unknown", "expected"]
"""Of a point: all was explored; up to a violation; up to a limit; it is what a curve says."""


@dataclass(frozen=True, slots=True)
class Point:
    """How much there was at a bound."""

    bound: int
    amount: float
    sort: Sort


@dataclass(frozen=True, slots=True)
class Series:
    """One line, and what is said of it."""

    name: str
    told: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: what is counted, and in which unit; its lines, in the order of the key."""

    title: str
    unit: str
    series: tuple[Series, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """All points of all lines."""
        return tuple(point for series in self.series for point in series.points)

    @property
    def decades(self) -> tuple[int, int]:
        """The powers of ten between which all amounts are: one apart, at least."""
        amounts = [point.amount for point in self.points if point.amount > 0] or [1.0]
        low = floor(log10(min(amounts)) + 1e-9)
        return low, max(low + 1, ceil(log10(max(amounts)) - 1e-9))

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the largest bound."""
        found = [point.bound for point in self.points] or [0]
        return min(found), max(found)


def power(exponent: int, unit: str) -> str:
    """Return a power of ten in few letters: 0.1 s, 100, 10k, 1M."""
    if exponent < 0:
        text = f"{10.0**exponent:.{-exponent}f}"
    else:
        group = min(exponent // 3, 4)
        text = f"{10 ** (exponent - 3 * group)}{('', 'k', 'M', 'G', 'T')[group]}"
    return f"{text} {unit}".rstrip()
