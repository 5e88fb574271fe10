"""The chart of a table: states and time along a bound, a line for each of the other settings."""

from __future__ import annotations

from collections.abc import Iterator

from kmcheck.chart import Chart, Panel, Point, Series
from kmcheck.sweep.table import Fit, Line, Sweep
from kmcheck.sweep.words import growing, name


def chart(found: Sweep) -> Chart:
    """Return the chart; there has to be a bound with several values."""
    lines = found.lines
    states = tuple(_series(line, "states", line.states) for line in lines)
    seconds = tuple(_series(line, "seconds", line.seconds) for line in lines)
    fixed = [f"{axis.name}={axis.values[0]}" for axis in found.axes if len(axis.values) == 1]
    title = "  ".join([f"{found.spec} over {lines[0].along}", *fixed])
    panels = Panel("states", "", states), Panel("time", "s", seconds)
    return Chart(title, lines[0].along, panels)


def _series(line: Line, what: str, fit: Fit | None) -> Series:
    told = f"{what} grow {growing(line, fit)}" if fit is not None else ""
    return Series(name(line) or line.along, told, tuple(_points(line, what, fit)))


def _points(line: Line, what: str, fit: Fit | None) -> Iterator[Point]:
    for bound, found in line.cells:
        if found.verdict in ("holds", "violated", "unknown"):
            amount = float(found.states) if what == "states" else found.seconds
            yield Point(bound, amount, found.verdict)  # type: ignore[arg-type]
    if fit is not None:
        yield Point(fit.next, fit.expected, "expected")
