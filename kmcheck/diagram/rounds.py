"""How a run that never ends goes on: a bracket beside the rows that come again and again."""

from __future__ import annotations

from kmcheck.diagram.page import MARGIN, ROUND, Page
from kmcheck.diagram.shapes import SMALL, Box, Path, Rect, Shape, fitted, width
from kmcheck.explain import Story

AGAIN = ("again and", "again")
RESTS = ("rests here,", "for ever")
LEADING = 12.5
FOOT = 9.0
"""How far a bracket's ends reach towards the rows."""
HALF = 4.0
"""Half of an arrow's head: at the upper end, it points at the row that comes next."""


def needs_tail(story: Story) -> bool:
    """Tell whether the run rests, or goes round, where no row is."""
    return story.trace.loop_at is not None and not _rows(story)


def draw(page: Page) -> list[Shape]:
    """Return the bracket and what it says; nothing if the run ends."""
    story = page.story
    if story.trace.loop_at is None:
        return []
    rows = _rows(story)
    top = page.row(rows[0]).y + 4 if rows else page.bottom - 26
    bottom = page.row(rows[-1]).bottom - 4 if rows else page.bottom - 4
    rests = story.trace.loop_at == len(story.trace.events)
    x = MARGIN + ROUND - FOOT - 6
    foot = x + FOOT
    if rests:
        line = ((foot, top), (x, top), (x, bottom), (foot, bottom))
        shapes: list[Shape] = [Path(line, "arrow plain round")]
    else:
        line = ((foot - 2, top + HALF), (x, top + HALF), (x, bottom), (foot, bottom))
        tip = ((foot + 4, top + HALF), (foot - 4, top), (foot - 4, top + 2 * HALF))
        shapes = [Path(line, "arrow plain round"), Path(tip, "tip plain", closed=True)]
    return [*shapes, *_words(RESTS if rests else AGAIN, x - 6, (top + bottom) / 2)]


def _rows(story: Story) -> range:
    """Return the rows of the round; where the run rests, those that wait for ever."""
    last = len(story.rows)
    if story.loop is None:
        first = next((i for i, row in enumerate(story.rows) if row.role == "stuck"), last)
        return range(first, last)
    ends = [i for i, row in enumerate(story.rows) if row.events]
    return range(story.loop, ends[-1] + 1)


def _words(told: tuple[str, ...], right: float, middle: float) -> list[Shape]:
    wide = max(width(line, SMALL) for line in told)
    top = middle - LEADING * len(told) / 2
    pill = Rect(Box(right - wide - 2, top - 1, wide + 4, LEADING * len(told) + 2), "pill", 3)
    texts = [
        fitted(Box(right - wide, top + i * LEADING, wide, LEADING), line, "c strong", SMALL, "end")
        for i, line in enumerate(told)
    ]
    return [pill, *texts]
