"""What the processes do: lifelines, rows, arrows to the objects and from them."""

from __future__ import annotations

from collections.abc import Iterator

from kmcheck.diagram.bars import touched
from kmcheck.diagram.page import CALL, LEADING, ROW, Page
from kmcheck.diagram.shapes import (
    BODY,
    SMALL,
    Box,
    Circle,
    Path,
    Rect,
    Shape,
    fitted,
    width,
)
from kmcheck.explain import Row, Story


def bands(page: Page) -> list[Shape]:
    """Shade every other row, and mark the bad ones."""
    rows = page.story.rows
    plain: list[Shape] = [Rect(page.row(i), "band") for i in range(1, len(rows), 2)]
    return [*plain, *(Rect(page.row(i), "band-bad") for i, row in enumerate(rows) if row.bad)]


def lifelines(page: Page) -> list[Shape]:
    """Draw a line down for each process."""
    return [
        Path(((lane.x, page.top), (lane.x, page.bottom)), "lifeline")
        for lane in page.lanes.values()
    ]


def tone(story: Story, row: Row) -> str:
    """Return what sort of step the row is: it decides the colour and the dot."""
    if row.bad:
        return "bad"
    if row.is_grace or row.role == "gap":
        return "grace"
    if row.role == "call" or row.is_ordering:
        return "plain"
    found = touched(story, row)
    return found[1] if found else "plain"


# --- rows -------------------------------------------------------------------------------------


def rows(page: Page) -> list[Shape]:
    """Write each row: its number, its dot and its text."""
    return [shape for i, row in enumerate(page.story.rows) for shape in _row(page, i, row)]


def _row(page: Page, index: int, row: Row) -> list[Shape]:
    lane, sort = page.lanes[row.process], tone(page.story, row)
    band, at = page.row(index), page.text_at(row)
    wide = max(8.0, page.limit - at)
    shapes: list[Shape] = [
        fitted(Box(at, band.y + i * LEADING, wide, ROW), line, f"c {sort} {row.role} over")
        for i, line in enumerate(page.texts[index])
    ]
    if row.role != "call":
        shapes += dot(lane.x, page.center(index), "gap" if row.role == "gap" else sort)
    if row.number is not None:
        first = next(iter(page.lanes.values()))
        left = first.x - first.before - 14
        box = Box(band.x + 4, band.y, left - band.x - 4, ROW)
        style = "c number bad" if row.bad else "c number"
        shapes.append(fitted(box, str(row.number), style, anchor="end"))
    return shapes


def dot(x: float, y: float, sort: str) -> list[Shape]:
    """Each sort of step has a dot of its own shape, so that grey print keeps them apart."""
    if sort in {"grace", "gap"}:
        return [Path(((x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)), f"dot {sort}", closed=True)]
    if sort == "free":
        return [Rect(Box(x - 4.5, y - 4.5, 9, 9), "dot free")]
    return [Circle(x, y, 5 if sort == "bad" else 4, f"dot {sort}")]


# --- arrows -----------------------------------------------------------------------------------


def arrows(page: Page) -> list[Shape]:
    """Draw an arrow from each row to the object that it changes, or from the one that it reads."""
    return [shape for i, row in enumerate(page.story.rows) for shape in _arrow(page, i, row)]


def crossings(page: Page) -> list[Shape]:
    """Draw arrows once more where they pass over the bars of others, with a gap around them."""
    shapes: list[Shape] = []
    for box, y, sort in _passed(page):
        shapes.append(Path(((box.x - 2, y), (box.right + 2, y)), "halo"))
        shapes.append(_line(box.x - 2, box.right + 2, y, sort))
    return shapes


def crossed(page: Page, name: str) -> list[float]:
    """Return the heights at which arrows to other objects pass over a bar."""
    return [y for box, y, _ in _passed(page) if box == page.bars[name]]


def _passed(page: Page) -> Iterator[tuple[Box, float, str]]:
    """Yield the bars that arrows to those behind them pass over, at which height, as what sort."""
    names = list(page.bars)
    for index, row in enumerate(page.story.rows):
        if aim := _aim(page, row):
            name, sort = aim
            for other in names[: names.index(name)]:
                yield page.bars[other], page.center(index), sort


def _aim(page: Page, row: Row) -> tuple[str, str] | None:
    """Return the object that a row's arrow leads to, and what sort of arrow it is."""
    found = touched(page.story, row) if row.role in {"step", "stuck"} else None
    if found is None or found[0] not in page.bars:
        return None
    name, sort = found
    return name, "bad" if row.bad else "plain" if row.is_ordering else sort


def _arrow(page: Page, index: int, row: Row) -> list[Shape]:
    aim = _aim(page, row)
    if aim is None:
        return []
    name, sort = aim
    y = page.center(index)
    near = min(page.text_at(row) + width(page.texts[index][0]) + 8, page.limit + 4)
    far = page.bars[name].x - 1
    if sort == "bad":
        return [_line(near, far - 10, y, "bad"), _tip(far, y, 12, "bad")]
    if sort == "read":
        return [_line(near + 7, far, y, "read"), _tip(near, y, -8, "read")]
    return [_line(near, far - 7, y, sort), _tip(far, y, 8, sort)]


def _line(start: float, end: float, y: float, sort: str) -> Shape:
    return Path(((start, y), (max(start, end), y)), f"arrow {sort}")


def _tip(x: float, y: float, size: float, sort: str) -> Shape:
    """Return an arrow head; a negative size points left."""
    half = abs(size) / 2
    return Path(((x, y), (x - size, y - half), (x - size, y + half)), f"tip {sort}", closed=True)


# --- headings ---------------------------------------------------------------------------------


def headings(page: Page) -> list[Shape]:
    """Write each process's name above its lane, and the function that it runs."""
    shapes: list[Shape] = []
    for column in page.story.columns:
        lane = page.lanes[column.process]
        top = page.top - 38 - page.extra
        box = Box(lane.x - 6, top, lane.outer - lane.x + 6, 18)
        shapes.append(fitted(box, column.process, "c strong", BODY))
        for i, line in enumerate(page.calls[column.process]):
            below = Box(box.x, top + 17 + i * CALL, box.w, 16)
            shapes.append(fitted(below, line, "c muted", SMALL))
    return shapes
