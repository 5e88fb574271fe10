"""What a process is inside of: sections, locks, grace periods; and those that are missing."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.diagram import held
from kmcheck.diagram.page import Lane, Page
from kmcheck.diagram.shapes import SMALL, Box, Path, Rect, Shape, fitted, lines, width
from kmcheck.explain import Missing, Span

LEADING = 12.5
BEHIND = 14.0
"""From a text to a bracket behind it."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Of one lane, the rows from `first` to `last`."""

    page: Page
    lane: Lane
    first: int
    last: int

    @property
    def box(self) -> Box:
        """The lane's part of these rows."""
        top = self.page.row(self.first).y + 3
        height = self.page.row(self.last).bottom - 3 - top
        return Box(self.lane.x - 9, top, self.lane.right - self.lane.x + 16, height)

    @property
    def bracket(self) -> tuple[tuple[float, float], ...]:
        """A bracket at the lane's right edge, or behind its texts where they run on over others."""
        rows = range(self.first, self.last + 1)
        mine = [i for i in rows if self.page.story.rows[i].process == self.lane.process]
        ends = [self.page.text_end(i) + BEHIND for i in mine]
        x = max(self.lane.right + 14, min(max(ends, default=0.0), self.page.limit))
        top, bottom = self.page.row(self.first).y + 5, self.page.row(self.last).bottom - 5
        return ((x - 7, top), (x, top), (x, bottom), (x - 7, bottom))


@dataclass(frozen=True, slots=True)
class Shown:
    """A span, and the rows that it is drawn over."""

    span: Span
    extent: Extent


def extents(page: Page) -> list[Shown]:
    """Return the spans that are drawn: a lock that is given back in the same row is not."""
    found = [
        Shown(span, extent)
        for span in page.story.spans
        if (extent := _extent(page, span.process, span.first, span.last))
    ]
    boxes = {"read", "grace"}
    return [s for s in found if s.span.sort in boxes or held.is_drawn(page.story, s.span)]


def spans(page: Page) -> list[Shape]:
    """Draw what a process is inside of, and what it should have been inside of."""
    shapes: list[Shape] = []
    places = held.places(page.story)
    for shown in extents(page):
        span, extent = shown.span, shown.extent
        if span.sort == "read":
            shapes.append(Rect(extent.box, "section", 4))
            named = span.section.removeprefix("an ").removeprefix("a ")
            shapes += _note(extent, (named,), "read", shapes)
        elif span.sort == "grace":
            path = Path(extent.bracket, "bracket grace")
            shapes += [path, *_note(extent, ("grace period",), "grace", shapes)]
        else:
            shapes.append(_lock(extent, span, places[span]))
    return [*shapes, *_missing(page, page.story.missing, shapes), *_gaps(page)]


def _extent(page: Page, process: str, first: int, last: int | None) -> Extent | None:
    """Return the rows from one event to another; None if one of them is not shown."""
    top = page.story.row_of(first)
    end = len(page.story.rows) - 1 if last is None else page.story.row_of(last)
    if top is None or end is None or process not in page.lanes:
        return None
    return Extent(page, page.lanes[process], top, end)


def _lock(extent: Extent, span: Span, nested: int) -> Shape:
    """A lock held is a thick piece of the lifeline; what is never given back runs to the end."""
    page = extent.page
    top = page.center(extent.first)
    bottom = page.bottom if span.last is None else page.center(extent.last)
    step = held.pitch(extent.lane.locks)
    wide = min(held.LOCK, step)
    left = extent.lane.x - held.LOCK / 2 - nested * step
    return Rect(Box(left, top, wide, max(held.LOCK, bottom - top)), "lock", 1)


def _missing(page: Page, gap: Missing | None, drawn: list[Shape]) -> list[Shape]:
    """A dashed outline where a section should have been, that says so."""
    if gap is None or gap.sort != "read":
        return []
    extent = _extent(page, gap.process, gap.first, gap.last)
    if extent is None:
        return []
    return [Rect(extent.box, "missing read", 5), *_note(extent, gap.label, "read", drawn)]


def _gaps(page: Page) -> list[Shape]:
    """A dashed bracket where a grace period should have been."""
    return [
        Path(Extent(page, page.lanes[row.process], index, index).bracket, "bracket grace gap")
        for index, row in enumerate(page.story.rows)
        if row.role == "gap"
    ]


def _note(extent: Extent, label: tuple[str, ...], sort: str, drawn: list[Shape]) -> list[Shape]:
    """Write beside a span, in the middle of the rows in which this process does nothing.

    That is beside what is written already: a callback waits for a grace period and is a reader.
    """
    page, lane = extent.page, extent.lane
    left = lane.x + 12
    room = lane.right - left - 4
    told = [part for line in label for part in ([line] if len(label) > 1 else wrap(line, room))]
    wide = min(max(width(line, SMALL) for line in told), room)
    rows = range(extent.first, extent.last + 1)
    free = [i for i in rows if _is_free(page, i, lane, left + wide + 4)]
    middle = (len(free) - 1) // 2
    tops = (
        page.center(row) - LEADING * len(told) / 2
        for row in sorted(free, key=lambda row: abs(row - free[middle]))
    )
    pills = (Box(left - 4, top - 1, wide + 8, LEADING * len(told) + 2) for top in tops)
    known = [shape.box for shape in drawn if isinstance(shape, Rect) and shape.style == "pill"]
    place = next((p for p in pills if not any(map(p.overlaps, known))), None)
    if place is None or wide <= 0:
        return []
    top = place.y + 1
    pill = Rect(place, "pill", 3)
    boxes = (Box(left, top + i * LEADING, wide, LEADING) for i in range(len(told)))
    style = f"c note {sort}"
    texts = [fitted(box, line, style, SMALL) for box, line in zip(boxes, told, strict=True)]
    return [pill, *texts]


def wrap(text: str, pixels: float) -> list[str]:
    """Return the text in two lines at most."""
    return lines(text, pixels, 2, SMALL)


def _is_free(page: Page, index: int, lane: Lane, right: float) -> bool:
    """Tell whether the row leaves the lane empty as far as `right`."""
    row = page.story.rows[index]
    if row.process == lane.process:
        return False
    at = page.text_at(row)
    return page.text_end(index) + 4 < lane.x or right < at - 4
