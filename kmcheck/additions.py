"""What can be put into a spec where runs of it have been, and the spec with that in it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kmcheck import shelf
from kmcheck.diagnostics import Source
from kmcheck.editing import Change, traced
from kmcheck.remedy import Remedy, Scene
from kmcheck.trace import Frame, Place, Trace


@dataclass(frozen=True, slots=True)
class Addition:
    """Something put into a function: by which remedy, what, and which lines it is about."""

    remedy: str
    function: str
    what: str
    line: int
    last: int | None
    """The last line of those that a section is around, None for what is no section."""

    @property
    def lines(self) -> range:
        """The lines that it is about."""
        return range(self.line, (self.last or self.line) + 1)

    def __str__(self) -> str:
        """Return what, and where."""
        if self.last is None:
            return f"{self.what}, line {self.line}"
        several = f"s {self.line}-{self.last}" if len(self.lines) > 1 else f" {self.line}"
        return f"{self.what} around line{several}"

    def covers(self, other: Addition) -> bool:
        """Tell whether it is the same as another one, and around all that that is around."""
        same = replace(self, line=other.line, last=other.last) == other
        return same and self.line <= other.line and other.lines[-1] <= self.lines[-1]


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run has been: for each step, the lines of the spec that it was inside of.

    `frees` are the lines in which something was freed.
    """

    steps: tuple[frozenset[int], ...]
    frees: frozenset[int]

    def has_been_at(self, addition: Addition) -> bool:
        """Tell whether it has been where something could be put in."""
        return any(not step.isdisjoint(addition.lines) for step in self.steps)


def additions(source: Source, runs: Iterable[Run], *, whole: bool) -> list[Addition]:
    """Return what could be put into a spec where runs of it have been.

    With `whole`, sections are put around whole functions only.
    """
    runs = list(runs)
    steps = tuple(step for run in runs for step in run.steps)
    frees = frozenset[int]().union(*(run.frees for run in runs))
    return [addition for addition, _ in _found(Scene(source, steps, frees, whole))]


def _found(scene: Scene) -> Iterator[tuple[Addition, Change]]:
    for name in shelf.names("remedies"):
        remedy: Remedy = shelf.take("remedies", name, "REMEDY")
        for function in scene.functions:
            for change in remedy.changes(function, scene):
                about = change.what, change.line, change.last
                yield Addition(name, function.name, *about), change


class Written:
    """A spec with things put in."""

    def __init__(self, source: Source, added: Iterable[Addition]) -> None:
        """Put them in, what is about fewer lines first, so that sections are around it.

        Raises:
            SyntaxError: that cannot be written.
        """
        self.source = source
        self._lines = tuple(range(source.text.count("\n") + 2))
        added = sorted(added, key=lambda a: len(a.lines))
        for addition in added:
            self._put(addition, whole=len(added) > 1)

    def _put(self, addition: Addition, *, whole: bool) -> None:
        everywhere = frozenset(range(len(self._lines)))
        scene = Scene(self.source, (everywhere, everywhere), everywhere, whole)
        change = next((c for found, c in _found(scene) if self._before(found) == addition), None)
        if change is None:
            raise SyntaxError(f"there is no place any more for {addition}")
        text, lines = traced(self.source.text, change)
        ast.parse(text)
        self.source = replace(self.source, text=text)
        self._lines = (0, *(self._lines[line] for line in lines), self._lines[-1])

    def _before(self, addition: Addition) -> Addition:
        last = None if addition.last is None else self._lines[addition.last]
        return replace(addition, line=self._lines[addition.line], last=last)

    def run(self, trace: Trace) -> Run:
        """Return where a run of it has been, by the lines of the spec without what was put in.

        The check that failed counts as a step: it may be in a call behind the last access.
        """
        steps = [self._been(event.frames, event.place) for event in trace.events]
        frees = (
            step
            for event, step in zip(trace.events, steps, strict=True)
            if any(access.what == "free" for access in event.accesses)
        )
        failed = self._been(trace.violation.frames, trace.violation.place)
        return Run((*steps, failed), frozenset[int]().union(*frees))

    def _been(self, frames: tuple[Frame, ...], place: Place | None) -> frozenset[int]:
        places = [frame.place for frame in frames[1:]] + ([] if place is None else [place])
        here = (place.line for place in places if place.path == self.source.path)
        return frozenset(self._lines[line] for line in here)
