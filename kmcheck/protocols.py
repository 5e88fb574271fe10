"""What a file on each shelf owes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kmcheck.diagnostics import Diagnostic
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.trace import Trace
from kmcheck.verdict import Budget, Finding, Result

Media = Literal["text", "binary"]

NARROWEST, WIDEST = 60, 75
"""What text is held to, in columns."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How to draw: `full` keeps every step; `width` is how wide text may be, in columns."""

    full: bool = False
    width: int = WIDEST

    @property
    def columns(self) -> int:
        """What text is held to: neither too narrow to be read, nor too wide for a mail."""
        return min(max(self.width, NARROWEST), WIDEST)


class Renderer(Protocol):
    """One picture of a trace. The same trace and options give the same bytes, everywhere.

    `name` is what `--as` takes, `suffix` what the file's name ends in, `media` tells whether
    `render` returns str or bytes.
    """

    @property
    def name(self) -> str:
        """The picture's name, which is also the file's."""

    @property
    def suffix(self) -> str:
        """The end of the name of a file that holds the picture: `.txt`."""

    @property
    def media(self) -> Media:
        """`text` where `render` returns str, `binary` where it returns bytes."""

    def render(self, trace: Trace, options: RenderOptions) -> str | bytes:
        """Draw the trace. Never fails for a trace that `replay` made."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an exploration is: states found, states not yet expanded, depth, transitions.

    `levels` has how many states there are at each depth, down to that which is being expanded, or
    nothing if the engine does not tell. It grows with the search: who keeps it has to copy it.
    """

    states: int
    frontier: int
    depth: int
    transitions: int
    levels: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What to search for. `wanted` names violations and properties; None is all of them."""

    wanted: frozenset[str] | None = None
    every: bool = False
    """Whether to go on after the first violation, for the first one of each name."""
    endless: bool = False
    """Whether runs that never end are asked for: properties of them, livelock, starvation."""

    races: bool = False
    """Whether data races are asked for."""

    def wants(self, name: str) -> bool:
        """Tell whether a violation or a property is searched for."""
        return self.wanted is None or name in self.wanted


class Engine(Protocol):
    """One way to decide. Breadth first: the first violation claimed is a shortest one."""

    @property
    def name(self) -> str:
        """What `--engine` takes, which is also the file's name."""

    def search(
        self,
        system: TransitionSystem,
        question: Question,
        solver: Solver,
        budget: Budget,
        report: Callable[[Progress], None],
    ) -> Finding:
        """Explore a system until the question is answered or the budget is used up."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """What a reduction made of a system. `note` says what it did, for the label.

    Where the reduction's precondition fails, or there is nothing to do, the system is the one that
    came in, and `note` is None.
    """

    system: TransitionSystem
    note: str | None = None


class Reduction(Protocol):
    """A way to explore less: from system to system, or to one of the hooks that a system has.

    A state's layout stays the same. What is preserved: which violations, of those that the question
    wants, some run leads to. Lengths of runs and counts are not.
    """

    @property
    def name(self) -> str:
        """What `--no-reduce` takes, which is also the file's name."""

    @property
    def order(self) -> int:
        """Reductions are applied in the order of this number."""

    @property
    def endless(self) -> bool:
        """Whether it also preserves what becomes of fair runs that never end."""

    def reduce(self, system: TransitionSystem, question: Question) -> Reduced:
        """Return the system with less to explore, if the reduction's precondition holds."""


class Exporter(Protocol):
    """Another checker's language. The same system gives the same text."""

    @property
    def name(self) -> str:
        """What `--to` takes, which is also the file's or folder's name."""

    def write(self, system: TransitionSystem, turns: int) -> str:
        """Say a system in the language; a loop that chooses comes round `turns` times in a step.

        Raises:
            UsageError: the language cannot say it.
        """


@dataclass(frozen=True, slots=True)
class Told:
    """A result, and where its traces were stored: a path for each violated property."""

    result: Result
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """How much to say: `quiet` is verdicts only, `full` every step; `colour` is for terminals."""

    quiet: bool = False
    full: bool = False
    colour: bool = False


class Format(Protocol):
    """One way to print results. The same results give the same text, but for what is volatile."""

    @property
    def name(self) -> str:
        """What `--format` takes, which is also the file's name."""

    def render(self, told: Sequence[Told], options: FormatOptions) -> str:
        """Return the text to print."""

    def refuse(self, diagnostics: Sequence[Diagnostic]) -> str:
        """Return what to print of specs that are wrong, beside what stderr says of it.

        Nothing, where the format is not for that; none are wrong where there are no diagnostics.
        """
