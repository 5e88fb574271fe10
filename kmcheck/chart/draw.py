"""Places the shapes of a chart: the axes, the lines, the marks, the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log10

from kmcheck.chart.series import Panel, Point, Series, Sort, power
from kmcheck.diagram.shapes import (
    SMALL,
    Box,
    Circle,
    Path,
    Rect,
    Shape,
    Text,
    fitted,
    number,
    width,
)
from kmcheck.documents import templates

MARGIN, HEAD = 24.0, 52.0
LEFT, GAP = 52.0, 36.0
"""Room for the numbers beside a plot, and between two plots."""
PLOT_WIDTH, PLOT_HEIGHT = 360.0, 260.0
PITCH = 18.0
"""From one line of the key to the next."""
STYLES = 6
"""Colours, each with dashes of its own: more lines begin again, with other marks."""
RADIUS = 3.6
MOST_TICKS = 12
INSET = 18.0
"""From the edge of a plot to its first and last bound."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its title, the bound along which it is drawn, its panels."""

    title: str
    along: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The chart's size, and its shapes, the rearmost first."""

    width: float
    height: float
    title: str
    text: str
    shapes: tuple[Shape, ...]


def draw(chart: Chart) -> str:
    """Return the chart as an SVG that needs no other file: the same bytes for the same amounts."""
    pages = templates("kmcheck.chart")
    pages.filters["n"] = number
    return pages.get_template("chart.svg").render(drawing=placed(chart))


def placed(chart: Chart) -> Drawing:
    """Place every shape of the chart."""
    wide = 2 * MARGIN + len(chart.panels) * (LEFT + PLOT_WIDTH) + (len(chart.panels) - 1) * GAP
    longest = max(width(_named(series), SMALL) for series in chart.panels[0].series)
    wide = max(wide, 2 * MARGIN + SAMPLE + 10 + ceil(longest) + 1)  # no line of the key is cut
    shapes: list[Shape] = [
        fitted(Box(MARGIN, 16, wide - 2 * MARGIN, 20), chart.title, "strong", 14.0)
    ]
    for at, panel in enumerate(chart.panels):
        left = MARGIN + LEFT + at * (LEFT + PLOT_WIDTH + GAP)
        shapes += _panel(panel, Box(left, HEAD + 24, PLOT_WIDTH, PLOT_HEIGHT), chart.along)
    below = HEAD + 24 + PLOT_HEIGHT + 58
    rows = len(chart.panels[0].series) + 1  # one for each line, and one for the marks
    named = [Box(MARGIN, below + PITCH * n, wide - 2 * MARGIN, PITCH) for n in range(rows)]
    key = list(_key(chart, named))
    bottom = named[-1].bottom + MARGIN
    text = "; ".join(f"{s.name}: {s.told}" for s in chart.panels[0].series if s.told)
    return Drawing(wide, bottom, chart.title, text, (*shapes, *key))


# --- one plot ------------------------------------------------------------------------------------


def _panel(panel: Panel, box: Box, along: str) -> Iterator[Shape]:
    head = Box(box.x, box.y - 24, box.w, 18)
    yield fitted(head, f"{panel.title}, logarithmic", "strong")
    yield Rect(box, "plot")
    yield from _rules(panel, box)
    yield from _ticks(panel, box)
    yield fitted(Box(box.x, box.bottom + 22, box.w, 18), along, "muted", anchor="middle")
    for at, series in enumerate(panel.series):
        yield from _curve(panel, series, at, box)
    for at, series in enumerate(panel.series):
        for point in series.points:
            yield from _mark(point.sort, *_place(panel, point, box), at)


def _rules(panel: Panel, box: Box) -> Iterator[Shape]:
    """Yield a line across for each power of ten, or each few of them, and its name."""
    low, high = panel.decades
    for exponent in range(low, high + 1, 1 + (high - low) // 10):
        y = box.bottom - (exponent - low) / (high - low) * box.h
        yield Path(((box.x, y), (box.right, y)), "rule")
        beside = Box(box.x - LEFT, y - 8, LEFT - 6, 16)
        yield fitted(beside, power(exponent, panel.unit), "muted", SMALL, "end")


def _ticks(panel: Panel, box: Box) -> Iterator[Shape]:
    first, last = panel.bounds
    for bound in range(first, last + 1, 1 + (last - first) // MOST_TICKS):
        x = _across(panel, bound, box)
        yield Path(((x, box.bottom), (x, box.bottom + 4)), "tick")
        yield fitted(Box(x - 15, box.bottom + 6, 30, 16), str(bound), "muted", SMALL, "middle")


def _across(panel: Panel, bound: int, box: Box) -> float:
    first, last = panel.bounds
    share = (bound - first) / (last - first) if last > first else 0.5
    return box.x + INSET + share * (box.w - 2 * INSET)


def _place(panel: Panel, point: Point, box: Box) -> tuple[float, float]:
    low, high = panel.decades
    share = (log10(point.amount) - low) / (high - low) if point.amount > 0 else 0.0
    return _across(panel, point.bound, box), box.bottom - share * box.h


def _curve(panel: Panel, series: Series, at: int, box: Box) -> Iterator[Shape]:
    """Yield the line through the points; what is only expected is dotted."""
    known = [p for p in series.points if p.sort != "expected"]
    places = tuple(_place(panel, point, box) for point in known)
    if len(places) > 1:
        yield Path(places, f"line s{at % STYLES}")
    for point in series.points:
        before = [p for p in known if p.bound < point.bound and p.sort == "holds"]
        if point.sort == "expected" and before:
            ends = _place(panel, before[-1], box), _place(panel, point, box)
            yield Path(ends, f"guess s{at % STYLES}")


def _mark(sort: Sort, x: float, y: float, at: int) -> Iterator[Shape]:
    """Yield a point's mark: its shape says what came of it, in any colour."""
    r, style = RADIUS, f"s{at % STYLES}"
    match sort:
        case "holds" if at < STYLES:
            yield Circle(x, y, r, f"dot {style}")
        case "holds":
            yield Rect(Box(x - r, y - r, 2 * r, 2 * r), f"dot {style}")
        case "violated":
            yield Path(((x - r - 1, y - r - 1), (x + r + 1, y + r + 1)), "cross")
            yield Path(((x - r - 1, y + r + 1), (x + r + 1, y - r - 1)), "cross")
        case "unknown":
            triangle = (x, y - r - 2), (x + r + 2, y + r), (x - r - 2, y + r)
            yield Path(triangle, f"hollow {style}", closed=True)
        case "expected":
            diamond = (x, y - r - 2), (x + r + 2, y), (x, y + r + 2), (x - r - 2, y)
            yield Path(diamond, f"hollow {style}", closed=True)


# --- the key -------------------------------------------------------------------------------------

SAMPLE = 44.0
MARKS: tuple[tuple[Sort, str], ...] = (
    ("holds", "holds"),
    ("violated", "violated: the search ended there"),
    ("unknown", "unknown: more than that"),
    ("expected", "expected, by the fit"),
)


def _named(series: Series) -> str:
    return ": ".join(filter(None, [series.name, series.told]))


def _key(chart: Chart, rows: list[Box]) -> Iterator[Shape]:
    for at, (series, row) in enumerate(zip(chart.panels[0].series, rows[:-1], strict=True)):
        y = row.y + row.h / 2
        yield Path(((row.x, y), (row.x + SAMPLE, y)), f"line s{at % STYLES}")
        yield from _mark("holds", row.x + SAMPLE / 2, y, at)
        box = Box(row.x + SAMPLE + 10, row.y, row.w - SAMPLE - 10, row.h)
        yield fitted(box, _named(series), "", SMALL)
    there = {point.sort for panel in chart.panels for point in panel.points}
    x, row = rows[-1].x + RADIUS + 2, rows[-1]
    for sort, text in MARKS:
        if sort in there:
            yield from _mark(sort, x, row.y + row.h / 2, 0)
            wide = width(text, SMALL)
            yield Text(Box(x + 12, row.y, wide, row.h), text, "muted", SMALL)
            x += wide + 36
