"""A table over bounds and choices: its cells, and how its lines grow."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.growth import Growth, growth
from kmcheck.sweep.axes import Axis, along

ENOUGH, SEVERAL = 1.0, 4.0
"""Seconds, and times as long as the quickest cell, below which a time does not tell of a search:
it tells of how long it takes to begin one."""

SKIPPED, WRONG = "skipped", "wrong"
"""What is said of a cell that was not verified: it is beyond one that is unknown, or is no spec."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one cell.

    `verdict` is `holds`, `violated`, `unknown`, or one of the constants above; `told` is the
    violation's name, or why nothing is known. `steps` is the length of its run. `seconds` and
    `bytes` vary, as do the counts of what is unknown. `least` and `most` are between what and what
    its states were to be expected, if the levels of its search told.
    """

    verdict: str
    told: str = ""
    steps: int | None = None
    states: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    bytes: int = 0
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination: the value of each axis, in their order, and what came of it."""

    values: tuple[str, ...]
    found: Measured


@dataclass(frozen=True, slots=True)
class Fit:
    """How something grows along a line: the curve, the next bound, what it will cost.

    `last` is how many times too much the cells before the last one would have told for that one;
    None if they are too few.
    """

    curve: Growth
    next: int
    expected: float
    last: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """The cells with one value of each axis but that of `along`, which is a bound's name.

    `states` and `seconds` say how these grow, as far as that is known.
    """

    along: str
    others: tuple[tuple[str, str], ...]
    cells: tuple[tuple[int, Measured], ...]
    states: Fit | None
    seconds: Fit | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """The whole table."""

    spec: str
    digest: str
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The cells as lines along the first bound that takes the most values."""
        chosen = along(self.axes)
        if chosen is None:
            return ()
        at = self.axes.index(chosen)
        found: dict[tuple[str, ...], list[tuple[int, Measured]]] = {}
        for cell in self.cells:
            rest = (*cell.values[:at], *cell.values[at + 1 :])
            found.setdefault(rest, []).append((int(cell.values[at]), cell.found))
        names = [axis.name for axis in self.axes if axis is not chosen]
        return tuple(
            _line(chosen.name, tuple(zip(names, rest, strict=True)), sorted(cells, key=_bound))
            for rest, cells in found.items()
        )


def _bound(cell: tuple[int, Measured]) -> int:
    return cell[0]


def _line(
    axis: str, others: tuple[tuple[str, str], ...], cells: list[tuple[int, Measured]]
) -> Line:
    """Return a line, with fits through the cells that hold, up to the first one that does not."""
    known = []
    for bound, found in cells:
        if found.verdict != "holds":
            break
        known.append((bound, found))
    states = _fit([(bound, float(found.states)) for bound, found in known])
    quickest = min((found.seconds for _, found in cells if found.seconds), default=0.0)
    enough = max(ENOUGH, SEVERAL * quickest)
    slow = [(bound, found.seconds) for bound, found in known if found.seconds >= enough]
    return Line(axis, others, tuple(cells), states, _fit(slow))


def _fit(points: list[tuple[int, float]]) -> Fit | None:
    curve = growth(points)
    if curve is None:
        return None
    following = points[-1][0] + 1
    bound, amount = points[-1]
    before = growth(points[:-1])
    last = None if before is None else (bound, before.at(bound) / amount)
    return Fit(curve, following, curve.at(following), last)
