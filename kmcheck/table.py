"""The tables that reviewers paste into changelogs: ASCII, at most 75 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from kmcheck.diagnostics import InternalError
from kmcheck.explain import Column, Reason, Row, Story, comment, explain, joined, plain, wrapped
from kmcheck.protocols import RenderOptions
from kmcheck.trace import Trace

SIDE_BY_SIDE = 3
"""More processes than this fall back to a staircase."""
LEVEL = 2
"""Spaces for each call."""
NARROW = 14
"""Characters that a column has at least before the next one begins."""
SPILL = 8
"""Characters that a row and its comment may run into the next column together."""
WIDE = 54
"""Characters that a comment may take, although the next column has begun."""
ENOUGH = 30
"""Characters to which a row may be wrapped, so that another column has more."""
GAP = 3
"""Spaces between two columns."""
LONGEST = 4
"""Lines of one row; what is longer is elided."""
LONGEST_MARK = 8
"""Lines of what is wrong with a row: it may have to stand in a narrow column."""
ENOUGH_MARK = 38
"""Characters to which this may be wrapped, so that another column has more."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a table looks: what rules a title off, what ends a call's line, what stands before it.

    An arrow stands before each call but the first, and before what comes first in a call.
    """

    rule: str = "-"
    opens: str = ":"
    arrow: str = ""


def table(trace: Trace, options: RenderOptions, style: Style) -> str:
    """Draw the table, and below it why it went wrong."""
    width = options.columns
    story = explain(trace, full=options.full)
    flat = len(story.columns) <= SIDE_BY_SIDE
    abreast = _styled(story, style)
    drawn = _side_by_side(abreast, width, style) if flat else _staircase(story, width)
    return _checked([*drawn, *_endless(story, width), *_why(story, width)], width)


def _styled(story: Story, style: Style) -> Story:
    """Return the story with rows that look as they are to."""
    rows = _opened(story.rows, style.opens)
    return replace(story, rows=tuple(_with_arrows(rows, style.arrow) if style.arrow else rows))


def _opened(rows: tuple[Row, ...], opens: str) -> list[Row]:
    return [replace(row, text=row.text + opens) if row.role == "call" else row for row in rows]


def _with_arrows(rows: list[Row], arrow: str) -> Iterator[Row]:
    """Indent by the arrow's length, and put it before calls and what comes first in them."""
    levels = len(arrow) // LEVEL
    called: set[str] = set()
    for row in rows:
        calls = row.role == "call"
        points = row.depth > 0 and bool(row.text) and (calls or row.process in called)
        (called.add if calls else called.discard)(row.process)
        text = arrow + row.text if points else row.text
        yield replace(row, text=text, depth=(row.depth - points) * levels)


def _checked(lines: list[str], width: int) -> str:
    """Hold the table to what a changelog can carry."""
    lines = [line.rstrip() for line in lines]
    for line in lines:
        if len(line) > width or not (line.isascii() and line.isprintable()):
            raise InternalError(f"a row of the table leaves its {width} columns: {line!r}")
    return "\n".join(lines) + "\n"


# --- one row ----------------------------------------------------------------------------------


def _fill(text: str, width: int, indent: int, hang: int, most: int = LONGEST) -> list[str]:
    """Wrap `text`; what does not fit in so many lines ends in `...`."""
    indent, hang = (min(n, max(0, width - 12)) for n in (indent, hang))
    lines = wrapped(text, width, " " * indent, " " * hang)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 4] + " ..."]
    return lines or [""]


def _cell(row: Row, width: int, room: int) -> list[str]:
    """Return the row's lines in a column of `width`, with `room` before the right edge.

    Nothing else stands in the line, so that C may run on into the next column; a comment may not,
    and moves below.
    """
    indent, text, note = row.depth * LEVEL, row.text, comment(row.note)
    whole = f"{text}  {note}" if text and note else text or note
    if indent + len(whole) <= min(room, max(width + SPILL, ENOUGH)):
        return [" " * indent + whole]
    wide = min(max(width, WIDE), room)
    below = _fill(note, wide, indent + LEVEL * bool(text), indent + LEVEL + len("/* "))
    return [*_statements(text, indent, room), *(below if note else [])]


def _statements(text: str, indent: int, room: int) -> list[str]:
    """Give each statement of an atomic step a line of its own, if they do not fit in one."""
    if indent + len(text) <= room:
        return [" " * indent + text] if text else []
    parts = text.replace("; ", ";\n").split("\n")
    return [line for part in parts for line in _fill(part, room, indent, indent + 2 * LEVEL)]


def _beside(row: Row) -> int:
    """Return the columns that the row would like to have, its comment in the same line."""
    text, note = len(row.text), len(comment(row.note))
    return row.depth * LEVEL + (text + 2 + note if text and note else text + note)


def _below(row: Row) -> int:
    """Return the columns that the row needs: its comment below, long lines wrapped."""
    note = comment(row.note)
    first, *others = row.text.split() or [""]
    token = max([len(first), *(len(word) + 2 * LEVEL for word in others)])
    length = min(len(row.text), ENOUGH)
    return row.depth * LEVEL + max(token, length, min(len(note) + LEVEL, ENOUGH) if note else 0)


def _above(row: Row, says: str) -> int:
    """Return the columns that a row needs below which something stands."""
    wanted = (row.depth + 1) * LEVEL + min(len(f"*** {says}"), ENOUGH_MARK)
    return max(_below(row), wanted if says else 0)


def _mark(text: str, row: Row | None, width: int) -> list[str]:
    indent = (row.depth + 1) * LEVEL if row else LEVEL
    return _fill(f"*** {text}", width, indent, indent + len("*** "))


def _number(row: Row, digits: int) -> str:
    return f"  {'' if row.number is None else row.number:>{digits}}  "


def _digits(story: Story) -> int:
    return max((len(str(row.number)) for row in story.rows if row.number is not None), default=1)


def _round(story: Story, index: int) -> list[str]:
    """Return what stands above the row with which a round begins."""
    return ["", "  -- from here on, again and again:", ""] if index == story.loop else []


def _endless(story: Story, width: int) -> list[str]:
    """Return what stands below a run that never ends."""
    if story.trace.loop_at is None:
        return []
    what = "and so on, for ever" if story.loop is not None else "here it rests, for ever"
    return ["", f"  -- {what}", *_mark(story.mark, None, width)]


# --- columns side by side ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each column starts, and how wide it is; `end` is the right edge."""

    starts: dict[str, int]
    widths: dict[str, int]
    end: int

    def room(self, process: str) -> int:
        """Return the characters from the column's start to the right edge."""
        return self.end - self.starts[process]

    def place(self, process: str, lines: list[str], gutter: str) -> list[str]:
        """Put the lines of one cell into its column; the number goes beside the first."""
        start = self.starts[process]
        first = f"{gutter:<{start}}{lines[0]}"
        return [first, *(" " * start + line for line in lines[1:])]


def _grid(story: Story, heads: dict[str, str], gutter: int, width: int) -> Grid:
    """Start every column behind the one before, but early enough for its own longest row."""
    names = [column.process for column in story.columns]
    rows = {name: [row for row in story.rows if row.process == name] for name in names}
    latest, right = {}, width
    for name in reversed(names):
        needs = (_above(row, _says(story, row)) for row in rows[name])
        right = min(width - max(needs, default=0), right - NARROW)
        latest[name] = right
    starts = {names[0]: gutter}
    for before, name in pairwise(names):
        behind = max([len(heads[before]), *map(_beside, rows[before])]) + starts[before] + GAP
        starts[name] = max(starts[before] + NARROW, min(behind, latest[name]))
    ends = [*(starts[name] for name in names[1:]), width]
    widths = {name: end - starts[name] for name, end in zip(names, ends, strict=True)}
    return Grid(starts, widths, width)


def _side_by_side(story: Story, width: int, style: Style) -> list[str]:
    if not story.rows:
        return _mark(f"{story.mark} (in the initial state)", None, width)
    gutter = _digits(story) + 4
    heads = {column.process: _head(column) for column in story.columns}
    grid = _grid(story, heads, gutter, width)
    lines = [
        *_ruler(story.columns, heads, grid, style.rule),
        *_entries(story.columns, grid, style.opens),
    ]
    top = {column.process for column in story.columns if column.early or _is_own(column)}
    for index, row in enumerate(story.rows):
        if row.role == "call" and row.depth == 0 and row.process in top:
            top.discard(row.process)  # it stands at the top
            continue
        lines += _round(story, index)
        room = grid.room(row.process)
        cell = _cell(row, grid.widths[row.process], room)
        lines += grid.place(row.process, cell, _number(row, gutter - 4))
        lines += _marks(story, index, grid)
    return lines


def _marks(story: Story, index: int, grid: Grid) -> list[str]:
    """What is wrong with the row: below it, in its column, free to run to the right edge."""
    row = story.rows[index]
    text = f"*** {_says(story, row)}"
    start, indent = grid.starts[row.process], (row.depth + 1) * LEVEL
    lines = _fill(text, grid.room(row.process), indent, indent + len("*** "), LONGEST_MARK)
    lines = [" " * start + line for line in lines] if row.bad else []
    last = index + 1 == len(story.rows) and story.trace.loop_at is None
    return (
        [*lines, "", *_mark(story.mark, None, grid.end)] if last and row.role == "stuck" else lines
    )


def _says(story: Story, row: Row) -> str:
    """Return what stands below a bad row."""
    if not row.bad:
        return ""
    if row.role != "stuck":
        return story.mark
    return f"waits for ever: {row.why}" if row.why else "waits for ever"


def _is_own(column: Column) -> bool:
    """Tell whether the process is called like its function, so that the call can be its title."""
    return column.call.partition("(")[0] == column.process


def _head(column: Column) -> str:
    return column.call if _is_own(column) and column.call else plain(column.process)


def _ruler(columns: tuple[Column, ...], heads: dict[str, str], grid: Grid, rule: str) -> list[str]:
    """The titles, each with a rule below."""
    names = {c.process: _elided(heads[c.process], grid.widths[c.process] - LEVEL) for c in columns}
    rules = {process: rule * len(name) for process, name in names.items()}
    return [_abreast(names, grid), _abreast(rules, grid)]


def _abreast(cells: dict[str, str], grid: Grid) -> str:
    line = ""
    for process, cell in cells.items():
        line = f"{line:<{grid.starts[process]}}{cell}"
    return line


def _elided(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."


def _entries(columns: tuple[Column, ...], grid: Grid, opens: str) -> list[str]:
    """The functions that run from the beginning: beside each other, or below if they are long."""
    cells = {c.process: c.call + opens for c in columns if c.early and c.call and not _is_own(c)}
    if all(len(cell) + LEVEL <= grid.widths[process] for process, cell in cells.items()):
        return [_abreast(cells, grid)] if cells else []
    return [
        line
        for process, cell in cells.items()
        for line in grid.place(process, _fill(cell, grid.room(process), 0, 2 * LEVEL), "")
    ]


# --- a staircase ------------------------------------------------------------------------------


def _staircase(story: Story, width: int) -> list[str]:
    """One process a stair; each line says whose it is."""
    digits = _digits(story)
    lines: list[str] = []
    stairs = {c.process: min(i, 10) * LEVEL for i, c in enumerate(story.columns)}
    loop = None if story.loop is None else story.rows[story.loop].number
    for row in _opened(joined(story.rows), Style().opens):
        if loop is not None and row.number == loop:
            lines += _round(story, story.loop or 0)
        gutter = _number(row, digits) + " " * stairs[row.process]
        room = width - len(gutter)
        label = f"{_elided(plain(row.process), room // 3)}: "
        cell = _cell(row, room - len(label), room - len(label))
        lines.append(gutter + label + cell[0].removeprefix(" " * LEVEL * (row.depth > 0)))
        lines += [" " * (len(gutter) + len(label)) + line for line in cell[1:]]
        lines += _stair_marks(story, row, len(gutter), width)
    return lines


def _stair_marks(story: Story, row: Row, indent: int, width: int) -> list[str]:
    text = _says(story, row)
    found = _mark(text, row, width - indent) if text else []
    lines = [" " * indent + line for line in found]
    last = row is story.rows[-1] and story.trace.loop_at is None
    return [*lines, "", *_mark(story.mark, None, width)] if last and row.role == "stuck" else lines


# --- below ------------------------------------------------------------------------------------


def _why(story: Story, width: int) -> list[str]:
    """The sentences below the table, each with the number of its step."""
    digits = _digits(story)
    lines = [line for reason in story.reasons for line in _reason(reason, digits, width)]
    return ["", *lines] if lines else []


def _reason(reason: Reason, digits: int, width: int) -> list[str]:
    label = f"{'' if reason.number is None else reason.number:>{digits}}"
    lines = _fill(reason.text, width - digits - 4, 0, 0)
    return [f"  {label}  {lines[0]}", *(" " * (digits + 4) + line for line in lines[1:])]
