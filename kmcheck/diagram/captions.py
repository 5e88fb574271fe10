"""What is written around the picture: the title, the names of objects, the key, and why."""

from __future__ import annotations

from kmcheck.diagram.bars import Bar
from kmcheck.diagram.lanes import dot, tone
from kmcheck.diagram.page import MARGIN, Page
from kmcheck.diagram.shapes import (
    BODY,
    SMALL,
    Box,
    Path,
    Rect,
    Shape,
    fitted,
    lines,
    width,
)
from kmcheck.diagram.spans import extents
from kmcheck.explain import plain

LINE = 18.0
KEYS = {
    "read": "read",
    "write": "write",
    "free": "free",
    "grace": "grace period",
    "bad": "the violation",
}


def title(page: Page) -> list[Shape]:
    """Say what was checked, with which settings, and how it ended."""
    trace = page.story.trace
    wide = page.width - 2 * MARGIN
    settings = ", ".join(f"{name}={value}" for name, value in trace.chosen)
    steps = f"{len(trace.events)} step{'' if len(trace.events) == 1 else 's'}"
    head = plain(f"{trace.spec}: {trace.violation.kind}")
    below = plain(f"{steps}{f', {settings}' if settings else ''}")
    return [
        fitted(Box(MARGIN, 14, wide, 20), head, "c strong", 15),
        fitted(Box(MARGIN, 36, wide, 16), below, "c muted", SMALL),
    ]


def names(page: Page, told: tuple[Bar, ...]) -> list[Shape]:
    """Write each object's name and type above its bar."""
    shapes: list[Shape] = []
    for bar in told:
        box = page.bars[bar.name]
        upper, lower = Box(box.x, page.top - 38, box.w, 18), Box(box.x, page.top - 21, box.w, 16)
        shapes += [
            fitted(upper, bar.name, "c strong", BODY, "middle"),
            fitted(lower, bar.kind, "c muted", SMALL, "middle"),
        ]
    return shapes


def key(page: Page, y: float, told: tuple[Bar, ...]) -> tuple[list[Shape], float]:
    """Explain the signs that this picture uses; return also where they end."""
    story = page.story
    used = {tone(story, row) for row in story.rows}
    signs = [(sort, text) for sort, text in KEYS.items() if sort in used]
    signs += [(sort, text) for sort, text in _areas(page, told) if text]
    shapes: list[Shape] = []
    x = MARGIN
    for sort, text in signs:
        wide = width(text, SMALL)
        if x > MARGIN and x + 20 + wide > page.width - MARGIN:
            x, y = MARGIN, y + LINE
        shapes += _sign(x, y, sort)
        shapes.append(fitted(Box(x + 20, y, wide + 1, LINE), text, "c", SMALL))
        x += wide + 44
    return shapes, y + LINE if signs else y


def _areas(page: Page, told: tuple[Bar, ...]) -> list[tuple[str, str]]:
    shown = {extent.span.sort for extent in extents(page)}
    states = {segment.state for bar in told for segment in bar.segments}
    return [
        ("section", "RCU read section" if "read" in shown else ""),
        ("lock", "lock held" if shown & {"spin", "mutex"} else ""),
        ("dying", "dying" if "dying" in states else ""),
        ("freed", "freed" if "freed" in states else ""),
    ]


def _sign(x: float, y: float, sort: str) -> list[Shape]:
    middle = y + LINE / 2
    box = Box(x, middle - 6, 14, 12)
    if sort == "lock":
        return [Rect(Box(x + 5, middle - 7, 5, 14), "lock", 1)]
    if sort == "section":
        return [Rect(box, "section", 3)]
    if sort in {"dying", "freed"}:
        return [Rect(box, f"bar {sort}", 2), Rect(box, f"pattern-{sort}", 2)]
    return dot(x + 7, middle, sort)


def verdict(page: Page, y: float) -> tuple[list[Shape], float]:
    """Say what went wrong and why; return also where the text ends."""
    wide = page.width - 2 * MARGIN
    shapes: list[Shape] = []
    for line in lines(page.story.mark, wide, 4):
        shapes.append(fitted(Box(MARGIN, y, wide, LINE), line, "c bad strong"))
        y += LINE
    digits = max((len(str(r.number)) for r in page.story.reasons if r.number), default=1)
    gutter = width("0" * digits) + 10
    for reason in page.story.reasons:
        label = "" if reason.number is None else str(reason.number)
        shapes.append(fitted(Box(MARGIN, y, gutter - 10, LINE), label, "c muted", SMALL, "end"))
        for line in lines(reason.text, wide - gutter, 4, SMALL):
            shapes.append(fitted(Box(MARGIN + gutter, y, wide - gutter, LINE), line, "c", SMALL))
            y += LINE - 2
    return shapes, y


def footer(page: Page, y: float) -> list[Shape]:
    """Name the spec's digest, so that the picture can be tied to a text."""
    wide = page.width - 2 * MARGIN
    rule = Path(((MARGIN, y), (page.width - MARGIN, y)), "rule")
    text = plain(f"kmcheck, spec sha256 {page.story.trace.digest[:16]}")
    return [rule, fitted(Box(MARGIN, y + 4, wide, LINE), text, "c muted", SMALL)]
