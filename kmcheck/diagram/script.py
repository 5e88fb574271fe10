"""A run as the lines of a sequence diagram: what Mermaid and PlantUML are to draw, in no language.

The rows, the objects and who touches which are those of the space-time diagram.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from kmcheck.diagram import bars, handed, lanes, rounds
from kmcheck.diagram.rows import below_headings
from kmcheck.explain import Reason, Row, Span, Story, comment, joined, look, plain, wrapped
from kmcheck.trace import Snapshot

Tone = Literal["plain", "read", "write", "free", "grace", "bad"]
What = Literal["", "create", "destroy"]
WIDE = 44
"""Characters of a line beside an arrow or a lifeline."""
APART, WIDEST = 30, 76
"""Characters of a line for which there is room from one lifeline to the next; and at most."""
NOBODY = "P0"
"""The lifeline of a run without steps."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who has a lifeline. `key` is a name that every language takes: `P1` or `O1`."""

    key: str
    name: str
    says: str
    """The call that a process is, the kind of an object."""
    early: bool = True
    """Whether it is there from the beginning."""


@dataclass(frozen=True, slots=True)
class Note:
    """Words over the lifelines from the first of `over` to the last."""

    over: tuple[str, ...]
    tone: Tone
    lines: tuple[str, ...]
    apart: int = 0
    """From one lifeline to how many further it reaches."""


@dataclass(frozen=True, slots=True)
class Message:
    """A step: from who takes it to what it touches, or to itself; a read comes back from there."""

    source: str
    target: str
    tone: Tone
    lines: tuple[str, ...]
    fate: What = ""
    """What becomes of the object that it touches."""
    mark: Note | None = None
    """What is wrong with it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A process begins, or ends, to hold a lock or to be in a section."""

    who: str
    begins: bool


@dataclass(frozen=True, slots=True)
class Round:
    """What comes again and again begins, or ends, here."""

    begins: bool


Line = Message | Note | Hold | Round


def told(line: Message | Note) -> list[str]:
    """Return what stands there, wrapped."""
    apart = line.apart if isinstance(line, Note) else 0
    wide = min(apart * APART, WIDEST) if apart else WIDE
    return [part for text in line.lines for part in wrapped(text, wide)] or ["..."]


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an object: in which row that is drawn, and which event it was."""

    row: int
    name: str
    what: What
    event: int


@dataclass(frozen=True, slots=True)
class Script:
    """Title, lifelines from left to right, and lines from top to bottom.

    `about` says which spec it is, with which settings.
    """

    title: str
    about: str
    parties: tuple[Party, ...]
    lines: tuple[Line, ...]


def script(story: Story) -> Script:
    """Tell a run, line by line."""
    story = handed.widened(replace(story, rows=joined(tuple(below_headings(story)))))
    return Writer(story).script()


class Writer:
    """Writes the lines of one story."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.shown = bars.bars(story)
        self.processes = {c.process: f"P{i}" for i, c in enumerate(story.columns, 1)}
        self.objects = {bar.name: f"O{i}" for i, bar in enumerate(self.shown, 1)}
        self.fates = [fate for bar in self.shown for fate in self._fates(bar.name)]
        actors = tuple(self.processes.values()) or (NOBODY,)
        self.keys = [*actors, *self.objects.values()]
        self.held = dict.fromkeys(self.processes.values(), 0)

    def script(self) -> Script:
        """Return the whole diagram."""
        trace = self.story.trace
        settings = ", ".join(f"{name}={value}" for name, value in trace.chosen)
        later = {fate.name for fate in self.fates if fate.what == "create"}
        actors = [
            Party(self.processes[c.process], plain(c.process), plain(c.call))
            for c in self.story.columns
        ]
        things = [
            Party(self.objects[bar.name], plain(bar.name), plain(bar.kind), bar.name not in later)
            for bar in self.shown
        ]
        parties = (*(actors or [Party(NOBODY, "at first", "")]), *things)
        title = plain(f"{trace.spec}: {trace.violation.kind}")
        about = f"kmcheck, spec sha256 {trace.digest[:16]}{f', {settings}' if settings else ''}"
        return Script(title, plain(about), parties, tuple(self._lines()))

    # --- rows -------------------------------------------------------------------------------------

    def _lines(self) -> Iterator[Line]:
        rows, last = self.story.rows, self._last_of_round()
        for index, row in enumerate(rows):
            if index == self.story.loop:
                yield Round(begins=True)
            yield from self._before(index)
            yield from self._row(index, row)
            yield from self._holds(row)
            if index == last:
                yield Round(begins=False)
        for key, depth in self.held.items():
            yield from [Hold(key, begins=False)] * depth
        yield from self._end()

    def _last_of_round(self) -> int | None:
        if self.story.loop is None:
            return None
        return max(i for i, row in enumerate(self.story.rows) if row.events)

    def _before(self, index: int) -> Iterator[Line]:
        """Say what was never there, at the row from which on it would have mattered."""
        gap = self.story.missing
        if gap and gap.sort == "read" and gap.first in self.story.rows[index].events:
            lines = tuple(map(plain, gap.label))
            yield Note((self.processes[gap.process],), "grace", lines)

    def _row(self, index: int, row: Row) -> Iterator[Line]:
        who, tone = self.processes[row.process], _tone(self.story, row)
        if row.role in {"call", "gap"}:
            text = f"{row.text}:" if row.role == "call" else row.note
            yield Note((who,), tone, (text,))
            return
        changed = [fate for fate in self.fates if fate.row == index]
        yield from (self._aside(fate) for fate in changed if fate.event not in row.events)
        changed = [fate for fate in changed if fate.event in row.events]
        found = bars.touched(self.story, row)
        name = found[0] if found and self._is_there(found[0], index) else ""
        target = self.objects.get(name, who)
        what: What = next((fate.what for fate in changed if fate.name == name), "")
        number = "" if row.number is None else f"{row.number}: "
        text, aside = f"{number}{row.text}".strip(), comment(row.note)
        whole = f"{text} {aside}".strip()
        told = (text, aside) if len(whole) > WIDE and text else (whole,)
        if tone == "read" and not what:
            yield Message(target, who, tone, told)
        else:
            mark = self._note(who, target, "bad", self._mark(row)) if row.bad else None
            yield Message(who, target, tone, told, what, mark)
        yield from (self._aside(fate) for fate in changed if fate.name != name)

    def _aside(self, fate: Fate) -> Message:
        """An object comes to be, or is freed, in a step that is not told, or is about another."""
        event, target = self.story.trace.events[fate.event], self.objects[fate.name]
        source = self.processes.get(event.process, target)
        tone: Tone = "free" if fate.what == "destroy" else "write"
        said = "freed" if fate.what == "destroy" else "comes to be"
        return Message(source, target, tone, (f"{said} (step {event.number})",), fate.what)

    def _is_there(self, name: str, index: int) -> bool:
        """Tell whether an object has a lifeline in this row."""
        begins = (f.row for f in self.fates if f.name == name and f.what == "create")
        return name in self.objects and next(begins, 0) <= index

    def _note(self, first: str, last: str, tone: Tone, *lines: str) -> Note:
        apart = abs(self.keys.index(last) - self.keys.index(first))
        return Note((first, last) if apart else (first,), tone, lines, apart)

    def _mark(self, row: Row) -> str:
        if row.role != "stuck":
            return f"*** {self.story.mark}"
        return f"*** waits for ever{f': {row.why}' if row.why else ''}"

    def _holds(self, row: Row) -> Iterator[Line]:
        """Begin and end the spans that this row begins and ends."""
        for span in self.story.spans:
            if span.process != row.process or span.sort == "grace":
                continue
            key = self.processes[span.process]
            if span.last in row.events and self.held[key] and self._began(span):
                self.held[key] -= 1
                yield Hold(key, begins=False)
            elif span.first in row.events and span.last not in row.events:
                self.held[key] += 1
                yield Hold(key, begins=True)

    def _began(self, span: Span) -> bool:
        first, last = self.story.row_of(span.first), self.story.row_of(span.last or 0)
        return first is not None and first != last

    # --- objects that come and go -------------------------------------------------------------

    def _fates(self, name: str) -> Iterator[Fate]:
        """Yield where an object comes to be, and where it goes for good, as far as rows show it."""
        events = self.story.trace.events
        drawn = [
            (index, row.events[-1])
            for index, row in enumerate(self.story.rows)
            if row.events
            and row.role not in {"call", "gap"}
            and not (row.bad and self.story.fails_inside)
        ]
        first = self._lives(name, self.story.trace.initial)
        after = [self._lives(name, events[event].after) for _, event in drawn]
        there = [place for place, lives in enumerate(after) if lives]
        last = there[-1] if there else -1
        if not first and there:
            yield self._fate(name, "create", drawn, there[0])
        if last + 1 < len(after) and (there or first):
            yield self._fate(name, "destroy", drawn, last + 1)

    def _fate(self, name: str, what: What, drawn: list[tuple[int, int]], place: int) -> Fate:
        """Find the very step that did it: it may be one that no row tells."""
        row, end = drawn[place]
        begin = drawn[place - 1][1] + 1 if place else 0
        steps = range(min(begin, end), end + 1)
        states = ((at, self.story.trace.events[at].after) for at in steps)
        lives = what == "create"
        return Fate(row, name, what, next(at for at, s in states if self._lives(name, s) == lives))

    def _lives(self, name: str, state: Snapshot) -> bool:
        return look(self.story, name, (), state).state in {"live", "dying"}

    # --- the end ----------------------------------------------------------------------------------

    def _end(self) -> Iterator[Line]:
        ends = self.keys[0], self.keys[-1]
        endless = self.story.trace.loop_at is not None
        if endless and self.story.loop is None:
            yield self._note(*ends, "plain", " ".join(rounds.RESTS))
        if endless or not any(row.bad and row.role == "step" for row in self.story.rows):
            yield self._note(*ends, "bad", f"*** {self.story.mark}")
        if self.story.reasons:
            yield self._note(*ends, "plain", *map(_reason, self.story.reasons))


def _tone(story: Story, row: Row) -> Tone:
    return lanes.tone(story, row)  # type: ignore[return-value] # one of these words


def _reason(reason: Reason) -> str:
    return reason.text if reason.number is None else f"{reason.number}: {reason.text}"
