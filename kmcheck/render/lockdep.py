"""The locks of a run as lockdep draws them: who holds what, and what each waits for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.explain import Story, explain, plain, wrapped
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Frame, Trace

HANDLERS = {"a hardirq handler": "hardirq", "a softirq handler": "softirq"}
CLAUSES = (
    re.compile(r"(?P<taken>\S+) is taken while (?:another )?(?P<held>\S+) is held"),
    re.compile(r"(?P<taken>\S+) is taken in (?P<held>a \w+ handler)"),
    re.compile(r"(?P<taken>a \w+ handler) may come while (?P<held>\S+) is held"),
)
"""What a message of `lock-order` says of one piece of code."""

Step = tuple[int, str]
"""The column that a line stands in, and the line."""


@dataclass(frozen=True, slots=True)
class Lockdep:
    """The locking scenario of a deadlock, or of an order that two pieces of code contradict."""

    name: str = "lockdep"
    suffix: str = ".lockdep.txt"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Draw the scenario, and below it why it went wrong."""
        width = options.columns
        story = explain(trace)
        heads, steps, verdict = _scenario(story)
        lines = list(_drawn(heads, steps, width)) if steps else _none(story)
        lines += ["", f" *** {plain(verdict)} ***"] if steps else []
        lines += ["", *wrapped(plain(story.mark), width, " ", "   ")]
        for reason in story.reasons:
            number = "" if reason.number is None else f"step {reason.number}: "
            lines += wrapped(plain(number + reason.text), width, " ", "   ")
        return "\n".join(line.rstrip() for line in lines) + "\n"


def _none(story: Story) -> list[str]:
    return [plain(f" {story.trace.spec}: no lock is held where this run fails")]


def _scenario(story: Story) -> tuple[list[str], list[Step], str]:
    if story.trace.violation.kind == "lock-order":
        return _orders(story.trace.violation.message)
    return _held(story)


def _orders(message: str) -> tuple[list[str], list[Step], str]:
    """Return a column for each piece of code that the message is about."""
    first: list[Step] = []
    then: list[Step] = []
    for clause in message.split("; but "):
        found = next((match for c in CLAUSES if (match := c.search(clause))), None)
        if found is not None:
            column = len(first)
            first.append((column, _lock(found["held"])))
            then.append((column, _lock(found["taken"])))
    heads = [f"CPU{number}" for number in range(len(first))]
    return heads, [*first, *then], "DEADLOCK"


def _lock(name: str) -> str:
    return "<Interrupt>" if name in HANDLERS else f"lock({plain(name)});"


def _held(story: Story) -> tuple[list[str], list[Step], str]:
    """Return what is held where the run ends, as it was taken, and what is waited for."""
    spans = [s for s in story.spans if s.sort in {"spin", "mutex"} and s.last is None]
    waits = [(row.process, row.text or row.note) for row in story.rows if row.role == "stuck"]
    names = list(dict.fromkeys([*(span.process for span in spans), *(name for name, _ in waits)]))
    steps = [(names.index(s.process), _lock(s.what)) for s in sorted(spans, key=lambda s: s.first)]
    steps += [(names.index(name), f"{_waited(story.trace, name) or text};") for name, text in waits]
    deadlock = story.trace.violation.kind == "deadlock"
    return names, steps if spans else [], "DEADLOCK" if deadlock else story.trace.violation.kind


def _waited(trace: Trace, process: str) -> str:
    """Return the lock that a process waits for, as lockdep writes it; nothing if it is none."""
    view = next(view for view in trace.end.processes if view.name == process)
    calls = [frame for frame in view.frames if _takes(frame)]
    return f"lock({plain(calls[0].arguments[0].lstrip('&'))})" if calls else ""


def _takes(frame: Frame) -> bool:
    takes = re.search(r"(^|_)lock($|_)|^down_(read|write)", frame.function)
    return takes is not None and bool(frame.module and frame.arguments)


def _drawn(heads: list[str], steps: list[Step], width: int) -> Iterator[str]:
    """Yield the columns, nearer to each other where there is no room for all."""
    yield " Possible unsafe locking scenario:"
    yield ""
    widest = max(len(text) for _, text in steps) + 3
    room = max(6, min(max(widest, 24), (width - 3 - widest) // max(1, len(heads) - 1)))
    starts = [3 + room * number for number in range(len(heads))]
    yield _abreast([plain(head)[: room - 2] for head in heads], [s + 2 for s in starts], width)
    yield _abreast(
        ["-" * len(plain(head)[: room - 2]) for head in heads], [s + 2 for s in starts], width
    )
    for column, text in steps:
        start = min(starts[column], max(1, width - len(text)))
        yield from wrapped(text, width, " " * start, " " * (start + 2))


def _abreast(cells: list[str], starts: list[int], width: int) -> str:
    line = ""
    for cell, start in zip(cells, starts, strict=True):
        line = f"{line:<{start}}{cell}"
    return line[:width]


RENDERER: Renderer = Lockdep()
