"""An object over time: a bar whose fill and text say what state it is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from kmcheck.diagram import handed
from kmcheck.diagram.page import Page
from kmcheck.diagram.shapes import SMALL, Box, Rect, Shape, fitted, lines, width
from kmcheck.explain import Look, Row, State, Story, key_fields, look, plain

MOST = 5
"""Objects that are drawn; there is no room for more."""
WIDEST = 168.0
LEADING = 12.5
LONGEST = 5
"""Lines of one fact."""
PAD = 8.0
APART = 4.0
"""From an arrow that crosses a bar to what is written on it."""
RANK = {"free": 0, "alloc": 1, "store": 1, "update": 1, "load": 2}


@dataclass(frozen=True, slots=True)
class Segment:
    """An object between two rows (`first`: None: from the start), and what is written on it."""

    first: int | None
    last: int | None
    state: State
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """An object's name and kind, and its segments from top to bottom."""

    name: str
    kind: str
    segments: tuple[Segment, ...]

    @property
    def says(self) -> bool:
        """Tell whether there is more to see than that the object is there."""
        return len(self.segments) > 1 or any(s.facts != ("live",) for s in self.segments)

    @property
    def want(self) -> float:
        """The width that the bar would like to have."""
        facts = [fact for segment in self.segments for fact in segment.facts]
        longest = max([*facts, self.name, self.kind, "FREED"], key=len)
        return min(WIDEST, width(longest, SMALL) + 2 * PAD + 4)


def bars(story: Story) -> tuple[Bar, ...]:
    """Return the bars of the objects that the rows are about.

    One that nothing happens to is worth a bar only if it could have been the failing one.
    """
    told = [_bar(story, name) for name in story.cast]
    kind = told[0].kind if told and story.trace.violation.thing else ""
    return tuple(bar for bar in told if bar.says or bar.kind == kind)[:MOST]


def _bar(story: Story, name: str) -> Bar:
    fields = _fields(story, name)
    states: list[tuple[int | None, Look]] = [(None, look(story, name, fields, story.trace.initial))]
    for index, row in enumerate(story.rows):
        if row.events and not (row.bad and story.fails_inside):
            after = story.trace.events[row.events[-1]].after
            states.append((index, look(story, name, fields, after)))
    told = [(index, seen.state, _words(seen)) for index, seen in states]
    changed = [told[0], *(now for old, now in pairwise(told) if old[1:] != now[1:])]
    ends = [index for index, _, _ in changed[1:]]
    segments = tuple(
        Segment(first, last, state, words)
        for (first, state, words), last in zip(changed, [*ends, None], strict=True)
        if state != "absent"
    )
    view = story.family.views.get(name)  # one that another is said to be in may be none
    return Bar(name, view.kind if view else "", segments)


def _fields(story: Story, name: str) -> tuple[tuple[str, str], ...]:
    """Return the fields that are told: of what a property looks at, only those at issue."""
    fields = key_fields(story, name) or handed.fields(story, name)
    told = tuple(field for field in fields if field in story.issue)
    return told or fields


def _words(seen: Look) -> tuple[str, ...]:
    """Say the state, so that it survives grey print, where the facts do not."""
    facts = tuple(plain(fact.text) for fact in seen.facts)
    if seen.state == "live":
        return facts or ("live",)
    return ("FREED",) if seen.state == "freed" else (seen.state, *facts)


# --- drawing ----------------------------------------------------------------------------------


def draw(page: Page, told: tuple[Bar, ...]) -> list[Shape]:
    """Return the bars as shapes, without their headings and without what is written on them."""
    return [
        shape for bar in told for segment in bar.segments for shape in _draw(page, bar, segment)
    ]


def labels(page: Page, told: tuple[Bar, ...], crossed: dict[str, list[float]]) -> list[Shape]:
    """Write on each bar what state the object is in: beside the arrows that cross it, if it can be.

    `crossed` are the heights of these arrows.
    """
    return [
        shape
        for bar in told
        for segment in bar.segments
        for shape in _label(
            segment_box(page, bar.name, segment), segment, crossed.get(bar.name, [])
        )
    ]


def segment_box(page: Page, name: str, segment: Segment) -> Box:
    """Return where a segment stands: it begins just below the row that changed the state."""
    whole = page.bars[name]
    top = whole.y + 2 if segment.first is None else page.center(segment.first) + 7
    bottom = page.bottom - 2 if segment.last is None else page.center(segment.last) + 4
    return Box(whole.x, top, whole.w, max(4.0, bottom - top))


def _draw(page: Page, bar: Bar, segment: Segment) -> list[Shape]:
    box = segment_box(page, bar.name, segment)
    shapes: list[Shape] = [Rect(box, f"bar {segment.state}", 3)]
    if segment.state in {"dying", "freed"}:
        shapes.append(Rect(box, f"pattern-{segment.state}", 3))
    return shapes


def _label(box: Box, segment: Segment, crossed: list[float]) -> list[Shape]:
    """Write the state on the bar, in as many lines as it has room for."""
    most = int((box.h - 2) / LEADING)
    if most < 1:
        return []
    inner = box.w - 2 * PAD
    told = words_for(segment.facts, inner, most)
    shown = "".join(told).replace(" ", "")
    whole = "" if shown == "".join(segment.facts).replace(" ", "") else "; ".join(segment.facts)
    height = LEADING * len(told)
    top = _beside(crossed, box, height)
    wide = max(width(line, SMALL) for line in told) + 6
    pill = Rect(Box(box.middle - wide / 2, top - 0.5, wide, height + 1), "pill", 3)
    style = "state strong" if segment.state == "freed" else "state"
    texts = [
        fitted(Box(box.x + PAD, top + i * LEADING, inner, LEADING), line, style, SMALL, "middle")
        for i, line in enumerate(told)
    ]
    return [pill, *texts[:-1], replace(texts[-1], whole=whole or texts[-1].whole)]


def words_for(facts: tuple[str, ...], inner: float, most: int) -> list[str]:
    """Return the facts in so many lines: closer together, or fewer of them, if they must be."""
    written = [_closest(fact, inner) for fact in facts]
    if sum(map(len, written)) <= most:
        return [line for told in written for line in told]
    found: list[str] = []
    for told in written:
        if len(found) + len(told) > most - 1:
            break
        found += told
    return [*found, ".."] if found else written[0][:most]


def _closest(fact: str, inner: float) -> list[str]:
    """Return the lines of one fact, without the spaces in it if that makes them fewer."""
    told = (lines(text, inner, LONGEST, SMALL) for text in (fact, fact.replace(" = ", "=")))
    return min(told, key=len)


def _beside(crossed: list[float], box: Box, height: float) -> float:
    """Return the top of what is written in the middle of a box, or as near to it as lines allow."""
    middle = box.y + (box.h - height) / 2
    tops = [middle, *(top for y in crossed for top in (y + APART, y - APART - height))]
    free = [
        top
        for top in tops
        if box.y + 1 <= top
        and top + height + 1 <= box.bottom
        and not any(top - APART < y < top + height + APART for y in crossed)
    ]
    return min(free, key=lambda top: abs(top - middle), default=middle)


def touched(story: Story, row: Row) -> tuple[str, str] | None:
    """Return the object that the row concerns, and how: `free`, `write`, `read` or `bad`."""
    if row.role == "stuck":
        return _wanted(story, row)
    thing = story.trace.violation.thing
    if row.bad and thing and story.fails_inside:
        return story.family.root(thing), "bad"
    found = [
        (RANK[access.what], story.family.root(access.thing))
        for access in story.accesses(row) or handed.accesses(story, row)
        if story.family.root(access.thing) in story.cast
    ]
    if row.bad and thing:
        found = [pair for pair in found if pair[1] == story.family.root(thing)]
    if not found:
        return None
    failing = story.family.root(thing) if thing else ""
    rank, name = min(found, key=lambda pair: (pair[0], pair[1] != failing))  # else the first
    return name, ("free", "write", "read")[rank]


def _wanted(story: Story, row: Row) -> tuple[str, str] | None:
    """Return the object whose lock a stuck row waits for."""
    argument = row.text.partition("(")[2].rpartition(")")[0].partition(",")[0].lstrip("&")
    root = story.family.root(argument)
    return (root, "bad") if root in story.cast else None
