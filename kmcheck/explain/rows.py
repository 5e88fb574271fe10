"""The rows of a run: one line of C for each step, calls of primitives collapsed to one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from kmcheck.explain.names import call_text, plain, split
from kmcheck.explain.order import GRACE, Call, Span, is_ordering
from kmcheck.trace import Frame, ProcessView, Trace

Role = Literal["call", "step", "stuck", "gap"]


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
    why: str = ""
    """Why a `stuck` row waits: `held by CPU1`."""

    @property
    def is_ordering(self) -> bool:
        """Tell whether the row is a lock, a section's edge or a wait, not an access."""
        return is_ordering(self.primitive)

    @property
    def is_grace(self) -> bool:
        """Tell whether the row is a grace period, or one end of it."""
        return self.primitive in GRACE


class Rows:
    """Writes the rows, top to bottom."""

    def __init__(self, trace: Trace, told: tuple[Call, ...], order: tuple[Span, ...]) -> None:
        """Start with no row written and every process outside of its function."""
        self.trace = trace
        self.rows: list[Row] = []
        self.calls = {(call.process, call.frame.serial): call for call in told}
        self.order = order
        self.graces = {(s.process, s.first): s for s in order if s.sort == "grace"}
        self.inside: dict[str, tuple[int, ...]] = {}
        self.open: dict[str, int] = {}
        """Of each process, the call of a primitive that its latest row stands for."""

    def write(self, steps: Collection[int]) -> tuple[Row, ...]:
        """Return the rows of these steps, and what is stuck at the end."""
        deadlock = self.trace.violation.kind == "deadlock"
        for index in sorted(steps):
            self._event(index, bad=not deadlock and index == len(self.trace.events) - 1)
        if deadlock:
            self._stuck()
        return tuple(self.rows)

    def _event(self, index: int, *, bad: bool) -> None:
        event = self.trace.events[index]
        seen, frame = split(event.frames)
        again = frame is not None and self.open.get(event.process) == frame.serial
        self._headers(event.process, seen)
        self.open.pop(event.process, None)
        depth = max(1, len(seen))
        if frame is None:
            self.rows.append(self._step(index, depth, bad=bad))
            return
        self.open[event.process] = frame.serial
        if bad and fails_inside(self.trace):
            self._fail(index, frame, depth, again=again)
        elif again:
            self._more(index, frame, depth, bad=bad)
        else:
            self.rows.append(self._call(index, frame, depth, bad=bad))

    def _headers(self, process: str, seen: tuple[Frame, ...]) -> None:
        """Name the functions that the process has entered since its last row."""
        before = self.inside.get(process, ())
        self.inside[process] = tuple(frame.serial for frame in seen)
        same = True
        for depth, frame in enumerate(seen):
            same = same and depth < len(before) and before[depth] == frame.serial
            if not same:
                self.rows.append(Row("call", process, depth, call_text(frame)))

    def _step(self, index: int, depth: int, *, bad: bool) -> Row:
        event = self.trace.events[index]
        text, note = plain(event.text), plain(event.note)
        return Row("step", event.process, depth, text, note, event.number, (index,), bad=bad)

    def _call(self, index: int, frame: Frame, depth: int, *, bad: bool) -> Row:
        """Return one row for a whole call of a primitive."""
        event = self.trace.events[index]
        note = self._note(self.calls[event.process, frame.serial], event.note)
        row = Row("step", event.process, depth, call_text(frame), note, event.number, (index,))
        return replace(row, bad=bad, primitive=frame.function)

    def _note(self, call: Call, note: str) -> str:
        span = self.graces.get((call.process, call.events[0]))
        if span:
            names = ", ".join(span.waits_for)
            return f"waits for {names}" if names else "no reader to wait for"
        notes = [] if is_ordering(call.name) else [note]
        return ", ".join(plain(text) for text in (*notes, call.returned) if text)

    def _more(self, index: int, frame: Frame, depth: int, *, bad: bool) -> None:
        """Go on with a call: in its row if that is the latest, in a row of its own if not."""
        event, last = self.trace.events[index], self.rows[-1]
        name, grace = frame.function, frame.function in GRACE
        if last.process == event.process and (grace or last.text == call_text(frame)):
            self.rows[-1] = self._merged(last, index, bad=bad)
        elif grace:
            row = self._step(index, depth, bad=bad)
            self.rows.append(replace(row, text="", note="grace period ends", primitive=name))
        else:
            self.rows.append(replace(self._step(index, depth + 1, bad=bad), primitive=name))

    def _merged(self, row: Row, index: int, *, bad: bool) -> Row:
        """Count the step in; the number shown is the one that the violation points at, if any."""
        event = self.trace.events[index]
        points = {self.trace.violation.cause, self.trace.violation.source}
        number = event.number if event.number in points or bad else row.number
        note = row.note or ("" if is_ordering(row.primitive) else plain(event.note))
        return replace(row, events=(*row.events, index), number=number, note=note, bad=bad)

    def _fail(self, index: int, frame: Frame, depth: int, *, again: bool) -> None:
        """Open the primitive up: the step that fails inside of it is shown."""
        process = self.trace.events[index].process
        last = self.rows[-1] if self.rows else None
        if again and last and last.process == process and last.primitive:
            self.rows[-1] = replace(last, role="call", note="")
        else:
            self.rows.append(Row("call", process, depth, call_text(frame)))
        self.rows.append(self._step(index, depth + 1, bad=True))

    def _stuck(self) -> None:
        """Say of each process that has not ended what it waits for."""
        end = self.trace.events[-1].after if self.trace.events else self.trace.initial
        for view in end.processes:
            if view.status == "blocked":
                self._waiting(view)

    def _waiting(self, view: ProcessView) -> None:
        seen, frame = split(view.frames)
        self._headers(view.name, seen)
        place = view.place.text if view.place else "waits"
        text = call_text(frame) if frame else plain(place)
        why = _holders(self.order, frame)
        self.rows.append(Row("stuck", view.name, max(1, len(seen)), text, bad=True, why=why))


def fails_inside(trace: Trace) -> bool:
    """Tell whether the violation is a load or store of the last step, not the state after it."""
    accesses = trace.events[-1].accesses
    if trace.violation.kind in {"use-after-free", "null-deref"}:
        return all(access.what != "free" for access in accesses)
    return trace.violation.kind in {"list-corruption", "uninitialised-read", "range"} and any(
        access.thing == trace.violation.thing for access in accesses
    )


def _holders(order: tuple[Span, ...], frame: Frame | None) -> str:
    """Say who holds what the process wants."""
    if frame is None:
        return ""
    if frame.function in GRACE:
        names = [s.process for s in order if s.sort == "read" and s.last is None]
        return f"{', '.join(names)} inside an RCU read section" if names else ""
    wanted = frame.arguments[:1]
    names = [s.process for s in order if s.last is None and (s.what,) == wanted]
    return f"held by {', '.join(dict.fromkeys(names))}" if names else ""
