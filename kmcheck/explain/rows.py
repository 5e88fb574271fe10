"""The rows of a run: one line of C for each step, calls of primitives collapsed to one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from kmcheck.explain.names import TRANSPARENT, call_text, in_kernel, plain, primitive, split
from kmcheck.explain.order import GRACE, Call, Span, is_ordering
from kmcheck.explain.saying import drops_last
from kmcheck.trace import Event, Frame, ProcessView, Trace

Role = Literal["call", "step", "stuck", "gap"]

LAST = "last ref"
"""Said of the put after which nobody has a reference."""
LABEL = re.compile(r'"([^"]+)"')
"""Of an `atomic("...")` or `wait_until(..., "...")`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what a process does, is inside of (`call`), waits for (`stuck`), or omits (`gap`).

    `events` are the indices of the steps it stands for, `number` is the step's number in the trace;
    `depth` counts calls, 0 for the process's own function. `bad` marks what the violation is about.
    """

    role: Role
    process: str
    depth: int
    text: str
    note: str = ""
    number: int | None = None
    events: tuple[int, ...] = ()
    bad: bool = False
    primitive: str = ""
    grace: bool = False
    serial: int | None = None
    """Of the call that the row is, or stands for."""
    why: str = ""
    """Why a `stuck` row waits: `held by CPU1`."""

    @property
    def is_ordering(self) -> bool:
        """Tell whether the row is a lock, a section's edge or a wait, not an access."""
        return is_ordering(self.primitive)

    @property
    def is_grace(self) -> bool:
        """Tell whether the row is a grace period, or one end of it."""
        return self.grace or self.primitive in GRACE


class Rows:
    """Writes the rows, top to bottom."""

    def __init__(
        self,
        trace: Trace,
        told: tuple[Call, ...],
        order: tuple[Span, ...],
        cited: frozenset[int] = frozenset(),
        *,
        full: bool = False,
    ) -> None:
        """Start with no row written and every process outside of its function.

        A step that is `cited` has a row of its own, and so has every one if `full`.
        """
        self.trace = trace
        self.rows: list[Row] = []
        self.calls = {(call.process, call.frame.serial): call for call in told}
        self.order = order
        self.cited = cited
        self.full = full
        self.graces = {(s.process, s.first): s for s in order if s.sort == "grace"}
        states = (trace.initial, *(event.after for event in trace.events))
        self.processes = {view.name for state in states for view in state.processes}
        self.inside: dict[str, tuple[int, ...]] = {}
        self.told: set[tuple[str, int]] = set()
        """The calls, by process and serial, that a row stands for already."""
        self.lengths = Counter((e.process, f.serial) for e in trace.events for f in e.frames)

    def write(self, steps: Collection[int]) -> tuple[Row, ...]:
        """Return the rows of these steps, and what is stuck or fails at the end."""
        last = len(self.trace.events) - 1
        later = self._later()
        endless = self.trace.loop_at is not None
        deadlock = self.trace.violation.kind == "deadlock" or endless
        for index in sorted(steps):
            self._event(index, bad=index == last and not deadlock and later is None)
        if later is not None:
            self._fail_later(later)
        if deadlock:
            self._stuck()
        return tuple(self._noted(row) for row in self.rows)

    # --- steps --------------------------------------------------------------------------------

    def _event(self, index: int, *, bad: bool) -> None:
        event = self.trace.events[index]
        seen, frame = _single(event, self.lengths) if self.full else split(event.frames)
        self._headers(event.process, seen)
        depth = max(1, len(seen))
        if frame is None:
            self.rows.append(self._step(index, depth, bad=bad))
            return
        if bad and fails_inside(self.trace):
            self._fail(index, frame, depth)
        elif self.full:
            self.rows.append(self._call(index, frame, depth, bad=bad))
        else:
            self._inside(index, frame, depth, bad=bad)

    def _headers(self, process: str, seen: tuple[Frame, ...]) -> None:
        """Name the functions that the process has entered since its last row."""
        if process not in self.processes:
            return  # an action is its own name
        before = self.inside.get(process, ())
        self.inside[process] = tuple(frame.serial for frame in seen)
        same = True
        for depth, frame in enumerate(seen):
            same = same and depth < len(before) and before[depth] == frame.serial
            if not same and (process, frame.serial) not in self.told:
                self._enter(process, depth, frame)

    def _enter(self, process: str, depth: int, frame: Frame) -> None:
        if in_kernel(frame):
            self.told.add((process, frame.serial))
        self.rows.append(_header(process, depth, frame))

    def _step(self, index: int, depth: int, *, bad: bool) -> Row:
        event = self.trace.events[index]
        text, note = plain(event.text), plain(event.note or _loaded(event))
        told = note and (text.startswith(note.removesuffix("()")) or f'"{note}"' in text)
        note = "" if told else note
        row = Row("step", event.process, depth, text, note, event.number, (index,), bad=bad)
        frame = primitive(event)
        if frame is None or not self.full:
            return row if bad else self._by_label(row, None)
        waits = any(known.function in GRACE for known in event.frames)
        return replace(row, primitive=frame.function, grace=waits)

    def _by_label(self, row: Row, frame: Frame | None) -> Row:
        """Tell a step inside of a primitive by its author's words: what it keeps is its own.

        A count is the exception: that it goes up or down is what everybody wants to know.
        """
        event = self.trace.events[row.events[0]]
        inside = [f for f in event.frames if f.function not in TRANSPARENT]
        counts = "; " not in row.text and (" += " in row.text or " -= " in row.text)
        if self.full or counts or not inside or not in_kernel(inside[-1]):
            return row
        alone = (f for f in inside if is_ordering(f.function) and self._is_single(event, f))
        lock = next(alone, None)
        label = plain(_label(event))
        if lock and lock is not frame:
            call = replace(row, text=call_text(lock), note="")
            return replace(call, primitive=lock.function, serial=lock.serial)
        if label:
            return replace(row, text="", note=label)
        return row if frame in {None, inside[-1]} else replace(row, text=call_text(inside[-1]))

    def _is_single(self, event: Event, frame: Frame) -> bool:
        return self.lengths[event.process, frame.serial] == 1

    # --- calls of primitives ------------------------------------------------------------------

    def _inside(self, index: int, frame: Frame, depth: int, *, bad: bool) -> None:
        """Tell a step of a primitive: a grace period inside of it is a call of its own."""
        event = self.trace.events[index]
        grace = next((f for f in event.frames if in_kernel(f) and f.function in GRACE), frame)
        if grace is not frame and (event.process, frame.serial) not in self.told:
            self._enter(event.process, depth, frame)
        outer = event.frames[: event.frames.index(grace)]
        told = [f for f in outer if in_kernel(f) and (event.process, f.serial) in self.told]
        seen = sum(in_kernel(f) for f in split(event.frames)[0])
        self._of_call(index, grace, depth + max(0, len(told) - seen), bad=bad)

    def _of_call(self, index: int, frame: Frame, depth: int, *, bad: bool) -> None:
        process = self.trace.events[index].process
        if (process, frame.serial) in self.told:
            self._more(index, frame, depth, bad=bad)
            return
        self.told.add((process, frame.serial))
        self.rows.append(self._call(index, frame, depth, bad=bad))

    def _call(self, index: int, frame: Frame, depth: int, *, bad: bool) -> Row:
        """Return one row for a whole call of a primitive."""
        call = self.calls.get((self.trace.events[index].process, frame.serial))
        text = call.text if call else call_text(frame)
        row = replace(self._step(index, depth, bad=bad), text=text, note="")
        return replace(row, primitive=frame.function, serial=frame.serial)

    def _more(self, index: int, frame: Frame, depth: int, *, bad: bool) -> None:
        """Go on with a call: in its row if that is the latest, in a row of its own if not."""
        event, last = self.trace.events[index], self.rows[-1]
        latest = last.role == "step" and last.process == event.process
        if latest and last.serial == frame.serial and index not in self.cited:
            self.rows[-1] = self._merged(last, index, bad=bad)
            return
        if frame.function in GRACE:
            row = self._step(index, depth, bad=bad)
            row = replace(row, text="", note="grace period ends", grace=True)
        else:
            inner = event.frames[event.frames.index(frame) :]
            told = sum((event.process, known.serial) in self.told for known in inner)
            row = self._by_label(self._step(index, depth + told, bad=bad), frame)
        if not row.primitive:
            row = replace(row, primitive=frame.function, serial=frame.serial)
        self.rows.append(row)

    def _merged(self, row: Row, index: int, *, bad: bool) -> Row:
        """Count the step in; the number shown stays, unless this is the step that fails."""
        number = self.trace.events[index].number if bad else row.number
        return replace(row, events=(*row.events, index), number=number, bad=bad)

    def _noted(self, row: Row) -> Row:
        """Say of a call what it returned, for whom it waits, and how far it got if not to its end.

        A label inside of a primitive says which part of it a row stands for, so it is of interest
        only where a row is not the whole call; it is that of the step whose number is shown.
        """
        span = self.graces.get((row.process, row.events[0])) if row.events else None
        if span and row.primitive and (not row.note or self.full):
            names = ", ".join(span.waits_for)
            note = plain(f"waits for {names}") if names else "no reader to wait for"
            return replace(row, note=note, grace=True)
        if row.serial is None or row.role != "step" or row.note:
            return row
        call = self.calls.get((row.process, row.serial))
        if call is None:
            return row
        others = [r for r in self.rows if r.serial == row.serial and r.process == row.process]
        done = call.finished or (row.bad and self.lengths[row.process, row.serial] == 1)
        whole = (done and len(others) == 1) or is_ordering(call.name)
        shown = [i for i in row.events if self.trace.events[i].number == row.number]
        labels = [] if whole else [_label(self.trace.events[index]) for index in shown]
        labels += [
            LAST for i in row.events if drops_last(self.trace.events[i]) and LAST not in labels
        ]
        returned = call.returned if row is others[-1] and LAST not in labels else ""
        return replace(row, note=", ".join(plain(text) for text in (*labels, returned) if text))

    # --- the end ------------------------------------------------------------------------------

    def _fail(self, index: int, frame: Frame, depth: int) -> None:
        """Open the primitive up: the step that fails inside of it is shown, if it has a text."""
        process = self.trace.events[index].process
        if plain(self.trace.events[index].text) == call_text(frame):
            if self.full:
                self.rows.append(self._call(index, frame, depth, bad=True))
            else:
                self._inside(index, frame, depth, bad=True)
            return
        again = (process, frame.serial) in self.told
        last = self.rows[-1] if self.rows else None
        if again and last and last.process == process and last.primitive:
            self.rows[-1] = replace(last, role="call", note="")
        else:
            self.rows.append(_header(process, depth, frame))
        self.rows.append(self._step(index, depth + 1, bad=True))

    def _later(self) -> Frame | None:
        """Return the primitive in which a check failed, if the last step was not inside of it."""
        if not self.trace.events:
            return None
        _, frame = split(self.trace.violation.frames)
        serials = {known.serial for known in self.trace.events[-1].frames}
        return frame if frame and frame.serial not in serials else None

    def _fail_later(self, frame: Frame) -> None:
        process = self.trace.failing
        seen, _ = split(self.trace.violation.frames)
        self._headers(process, seen)
        depth, name = max(1, len(seen)), frame.function
        row = Row("step", process, depth, call_text(frame), bad=True, primitive=name)
        self.rows.append(row)

    def _stuck(self) -> None:
        """Say of each process that has not ended what it waits for."""
        at = self.trace.loop_at
        states = [self.trace.end]
        states += [] if at is None else [event.after for event in self.trace.events[at:]]
        free = {v.name for state in states for v in state.processes if v.status != "blocked"}
        for view in self.trace.end.processes:
            if view.name not in free:
                self._waiting(view)

    def _waiting(self, view: ProcessView) -> None:
        seen, frame = split(view.frames)
        self._headers(view.name, seen)
        place = view.place.text if view.place else ""
        label = LABEL.search(place)
        note = plain(label[1]) if label and not frame else ""
        text = call_text(frame) if frame else "" if note else plain(place)
        row = Row("stuck", view.name, max(1, len(seen)), text, note, bad=True)
        self.rows.append(replace(row, why=plain(_holders(self.order, view.frames))))


def _single(
    event: Event, lengths: Counter[tuple[str, int]]
) -> tuple[tuple[Frame, ...], Frame | None]:
    """Return all that the step is inside of, and the call of a primitive that it is all of."""
    frames = tuple(f for f in event.frames if f.function not in TRANSPARENT)
    for at, frame in enumerate(frames[1:], 1):
        if in_kernel(frame) and lengths[event.process, frame.serial] == 1:
            return frames[:at], frame
    return frames, None


def _header(process: str, depth: int, frame: Frame) -> Row:
    return Row("call", process, depth, call_text(frame), serial=frame.serial)


def _label(event: Event) -> str:
    """Return what the author calls the step, not the value that it loads."""
    values = {access.after.text for access in event.accesses if access.after}
    return "" if event.note in values else event.note


def _loaded(event: Event) -> str:
    """Return the value of a step that is nothing but a load."""
    found = [access for access in event.accesses if not access.ghost]
    if len(found) != 1 or found[0].what != "load" or found[0].after is None:
        return ""
    return found[0].after.text


def fails_inside(trace: Trace) -> bool:
    """Tell whether the violation is a load or store of the last step, not the state after it."""
    accesses = trace.events[-1].accesses
    if trace.violation.kind in {"use-after-free", "null-deref"}:
        return all(access.what != "free" for access in accesses)
    return trace.violation.kind in {"list-corruption", "uninitialised-read", "range"} and any(
        access.thing == trace.violation.thing for access in accesses
    )


def _holders(order: tuple[Span, ...], frames: tuple[Frame, ...]) -> str:
    """Say who holds what a process wants."""
    open_ = [span for span in order if span.last is None]
    if any(frame.function in GRACE for frame in frames):
        names = [f"{span.process} inside {span.section}" for span in open_ if span.sort == "read"]
        return ", ".join(names)
    wanted = {frame.arguments[0].lstrip("&") for frame in frames if frame.arguments}
    names = [span.process for span in open_ if span.what in wanted]
    return f"held by {', '.join(dict.fromkeys(names))}" if names else ""


def joined(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Put calls that are entered one after the other into one row: `get() > down(&room)`."""
    found: list[Row] = []
    for row in rows:
        last = found[-1] if found else None
        calls = last is not None and last.role == row.role == "call" and last.number is None
        if last is not None and calls and last.process == row.process:
            found[-1] = replace(last, text=f"{last.text} > {row.text}")
        else:
            found.append(row)
    return tuple(found)
