"""Where everything goes: lanes from left to right, then the objects' bars; rows from the top."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

from kmcheck.diagram import held
from kmcheck.diagram.shapes import SMALL, Box, lines, width
from kmcheck.explain import Column, Row, Story, comment, wrapped

MARGIN = 24.0
ROW = 30.0
HEAD = 40.0
"""Height of the names above the lanes and bars."""
TOP = 64.0
"""Height of the title."""
INDENT = 12.0
TEXT_AT = 14.0
"""From the lifeline to the text."""
BRACKET = 26.0
SPARE_LOCKS = 2
"""Locks for which there is room to the left of a lifeline without more."""
LANE_GAP, BAR_GAP = 26.0, 16.0
LEADING = 15.0
"""From one line of a row to the next."""
LONGEST = {0: 44, 1: 44, 2: 44, 3: 36}
"""Characters of a line, by the number of lanes: a longer row has more lines."""
SHORTEST = 32
MOST_LINES = 7
NARROWEST_LANE, NARROWEST_BAR = 130.0, 76.0
NARROWEST_PAGE, WIDEST_PAGE = 560.0, 1200.0
"""What a page is wide at least; and at most, unless there is more on it than that can carry."""
WIDEST_BARS = 440.0
"""What the bars have together on a page that would be too wide."""
TIGHT_LANE = 96.0
"""From one lane to the next, at least, there: its text runs on over the lanes behind it."""
TIGHT_INDENT = 8.0
ROUND = 88.0
"""Room to the left of the numbers, for what comes again and again."""
CALL = 13.0
"""From one line of a heading to the next."""
MOST_CALL_LINES = 3


@dataclass(frozen=True, slots=True)
class Lane:
    """One process's column: its lifeline's `x`, and how far its rows reach."""

    process: str
    x: float
    width: float
    bracket: bool
    locks: int = 0
    """How many locks it holds at once: they stand to the left of its lifeline."""

    @property
    def before(self) -> float:
        """The room that the locks have there."""
        return held.pitch(self.locks) * max(0, self.locks - SPARE_LOCKS)

    @property
    def right(self) -> float:
        """Where rows end; a grace period's bracket stands behind."""
        return self.x + self.width

    @property
    def outer(self) -> float:
        """The lane's right edge."""
        return self.right + (BRACKET if self.bracket else 0)


@dataclass(frozen=True, slots=True)
class Page:
    """The places of lanes, bars and rows, in pixels."""

    story: Story
    lanes: dict[str, Lane]
    bars: dict[str, Box]
    texts: tuple[tuple[str, ...], ...]
    """The lines of each row."""
    edges: tuple[float, ...]
    """Where the rows begin, and where the last one ends."""
    bottom: float
    width: float
    limit: float
    """Where the rows' texts end at the latest."""
    indent: float
    calls: dict[str, tuple[str, ...]]
    """The lines of each heading."""

    @property
    def extra(self) -> float:
        """The height of the headings' lines beyond the first."""
        return CALL * (max((len(told) for told in self.calls.values()), default=1) - 1)

    @property
    def top(self) -> float:
        """Where the rows begin."""
        return self.edges[0]

    def row(self, index: int) -> Box:
        """Return the band of a row, over the whole width."""
        left, top = MARGIN - 8, self.edges[index]
        return Box(left, top, self.width - 2 * left, self.edges[index + 1] - top)

    def center(self, index: int) -> float:
        """Return the middle of a row's first line: there its dot is, and its arrow."""
        return self.edges[index] + ROW / 2

    def text_end(self, index: int) -> float:
        """Return where a row's text ends."""
        told = (width(line) for line in self.texts[index])
        return self.text_at(self.story.rows[index]) + max(told, default=0.0)

    def text_at(self, row: Row) -> float:
        """Return where the row's text begins."""
        return self.lanes[row.process].x + TEXT_AT + self.indent * max(0, row.depth - 1)


def row_lines(row: Row, most: int) -> tuple[str, ...]:
    """Return the row as C, with its comment beside it or in lines of its own."""
    text = f"{row.text}:" if row.role == "call" else row.text
    note = comment(row.why or row.note)
    whole = f"{text}  {note}" if text and note else text or note
    if len(whole) <= most:
        return (whole,)
    mark = " > " if row.role == "call" else "; "
    parts = text.split(mark)
    parts = [*(part + mark.rstrip() for part in parts[:-1]), parts[-1]]
    first = [line for part in parts for line in wrapped(part, most, hang="    ")]
    second = wrapped(note, most, "  ", "     ")
    told = [*first, *second]
    if len(told) > MOST_LINES:
        told = [*told[: MOST_LINES - 1], f"{told[MOST_LINES - 1]} .."]
    return tuple(told)


def arrange(story: Story, wants: dict[str, float], *, tail: bool) -> Page:
    """Give each lane the width of its rows, and each object (`wants`) the width of its states.

    `tail` leaves room below the last row, for the state after it.
    """
    most = LONGEST.get(len(story.columns), SHORTEST)
    texts = tuple(row_lines(row, most) for row in story.rows)
    digits = max((len(str(row.number)) for row in story.rows if row.number), default=1)
    round_ = ROUND if story.trace.loop_at is not None else 0
    start = MARGIN + round_ + width("0" * digits) + 22
    indent = INDENT if len(story.columns) <= len(LONGEST) - 1 else TIGHT_INDENT
    whole = [_lane(story, texts, column, most, indent) for column in story.columns]
    room = WIDEST_PAGE - start - MARGIN - sum(lane.before for lane in whole)
    natural = sum(lane.outer + LANE_GAP for lane in whole)
    widths = _widths(wants, max(room - natural, WIDEST_BARS))
    pitches = _pitches(story, whole, room - _together(widths))
    if sum(pitches) + _together(widths) > room:
        widths = _widths(wants, room - sum(pitches))
    lanes: dict[str, Lane] = {}
    x = ends = start
    for lane, pitch in zip(whole, pitches, strict=True):
        x += lane.before
        lanes[lane.process] = replace(lane, x=x, width=pitch - (lane.outer - lane.right) - LANE_GAP)
        ends = max(ends, x + lane.outer)
        x += pitch
    calls = {c.process: _call(c, lanes[c.process]) for c in story.columns}
    head = HEAD + CALL * (max(map(len, calls.values()), default=1) - 1)
    heights = (ROW + LEADING * (len(told) - 1) for told in texts)
    edges = tuple(accumulate(heights, initial=TOP + head))
    bottom = edges[-1] + (ROW if tail or not texts else 0)
    limit, x = ends, max(x, ends + LANE_GAP)
    bars: dict[str, Box] = {}
    for name, wide in widths.items():
        bars[name] = Box(x, edges[0], wide, bottom - edges[0])
        x = bars[name].right + BAR_GAP
    wide = max(NARROWEST_PAGE, x - BAR_GAP + MARGIN)
    return Page(story, lanes, bars, texts, edges, bottom, wide, limit, indent, calls)


def _together(widths: dict[str, float]) -> float:
    return sum(widths.values()) + BAR_GAP * max(0, len(widths) - 1)


def _widths(wants: dict[str, float], room: float) -> dict[str, float]:
    """Return the width of each bar: what it would like to have, or its share of what there is."""
    widths = {name: max(NARROWEST_BAR, want) for name, want in wants.items()}
    if not widths or _together(widths) <= room:
        return widths
    share = (room - BAR_GAP * (len(widths) - 1)) / len(widths)
    return {name: max(NARROWEST_BAR, min(want, share)) for name, want in widths.items()}


def _pitches(story: Story, lanes: list[Lane], room: float) -> list[float]:
    """Return how far each lane is from the next: closer than its text is long, if it must be."""
    wants = [lane.outer + LANE_GAP for lane in lanes]
    if sum(wants) <= room or len(wants) < 2:  # noqa: PLR2004
        return wants
    gap = story.missing
    least = [
        min(want, max(TIGHT_LANE, width(lane.process) + INDENT))
        if gap is None or gap.process != lane.process
        else min(want, max(map(_noted, gap.label)) + LANE_GAP + (lane.outer - lane.right))
        for lane, want in zip(lanes[:-1], wants[:-1], strict=True)
    ]
    over = [want - small for want, small in zip(wants[:-1], least, strict=True)]
    spare = max(0.0, room - wants[-1] - sum(least)) / (sum(over) or 1.0)
    return [*(a + b * min(1.0, spare) for a, b in zip(least, over, strict=True)), wants[-1]]


def _noted(label: str) -> float:
    return TEXT_AT + width(label, SMALL) + 16


def _call(column: Column, lane: Lane) -> tuple[str, ...]:
    """Return what stands below a process's name: its function."""
    told = lines(column.call, lane.outer - lane.x + 6, MOST_CALL_LINES, SMALL)
    return tuple(told) or ("",)


def _lane(
    story: Story, texts: tuple[tuple[str, ...], ...], column: Column, most: int, indent: float
) -> Lane:
    """A lane is as wide as its longest row, its heading, and what is written where it waits."""
    process, gap = column.process, story.missing
    wants = [
        TEXT_AT + indent * max(0, row.depth - 1) + width(line[: most + 4]) + 6
        for row, told in zip(story.rows, texts, strict=True)
        for line in told
        if row.process == process
    ]
    wants += [width(process[:most]), width(column.call[:most], SMALL), NARROWEST_LANE]
    if gap and gap.process == process:
        wants += [_noted(line) for line in gap.label]
    bracket = any(s.sort == "grace" and s.process == process for s in story.spans)
    bracket = bracket or any(row.role == "gap" and row.process == process for row in story.rows)
    return Lane(process, 0.0, max(wants), bracket, held.deepest(story, process))
