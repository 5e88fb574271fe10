"""Where everything goes: lanes from left to right, then the objects' bars; rows from the top."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from kmcheck.explain import Column, Row, Story, comment, wrapped
from kmcheck.render.sequence.shapes import SMALL, Box, width

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
LANE_GAP, BAR_GAP = 26.0, 16.0
LEADING = 15.0
"""From one line of a row to the next."""
LONGEST = {0: 44, 1: 44, 2: 44, 3: 36}
"""Characters of a line, by the number of lanes: a longer row has more lines."""
SHORTEST = 36
MOST_LINES = 5
NARROWEST_LANE, NARROWEST_BAR = 130.0, 84.0
NARROWEST_PAGE = 560.0


@dataclass(frozen=True, slots=True)
class Lane:
    """One process's column: its lifeline's `x`, and how far its rows reach."""

    process: str
    x: float
    width: float
    bracket: bool

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

    def text_at(self, row: Row) -> float:
        """Return where the row's text begins."""
        return self.lanes[row.process].x + TEXT_AT + INDENT * max(0, row.depth - 1)


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
    x = MARGIN + width("0" * digits) + 22
    lanes: dict[str, Lane] = {}
    for column in story.columns:
        lanes[column.process] = _lane(story, texts, column, x, most)
        x = lanes[column.process].outer + LANE_GAP
    heights = (ROW + LEADING * (len(told) - 1) for told in texts)
    edges = tuple(accumulate(heights, initial=TOP + HEAD))
    bottom = edges[-1] + (ROW if tail or not texts else 0)
    bars: dict[str, Box] = {}
    for name, want in wants.items():
        bars[name] = Box(x, edges[0], max(NARROWEST_BAR, want), bottom - edges[0])
        x = bars[name].right + BAR_GAP
    return Page(story, lanes, bars, texts, edges, bottom, max(NARROWEST_PAGE, x - BAR_GAP + MARGIN))


def _lane(
    story: Story, texts: tuple[tuple[str, ...], ...], column: Column, x: float, most: int
) -> Lane:
    """A lane is as wide as its longest row, its heading, and what is written where it waits."""
    process, gap = column.process, story.missing
    wants = [
        TEXT_AT + INDENT * max(0, row.depth - 1) + width(line[: most + 4]) + 6
        for row, told in zip(story.rows, texts, strict=True)
        for line in told
        if row.process == process
    ]
    wants += [width(process[:most]), width(column.call[:most], SMALL), NARROWEST_LANE]
    if gap and gap.process == process:
        wants += [TEXT_AT + width(line, SMALL) + 16 for line in gap.label]
    bracket = any(s.sort == "grace" and s.process == process for s in story.spans)
    bracket = bracket or any(row.role == "gap" and row.process == process for row in story.rows)
    return Lane(process, x, max(wants), bracket)
