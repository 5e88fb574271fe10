"""What an engine says (a finding), what kmcheck says (a verdict), and the label with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from kmcheck.diagnostics import Span
from kmcheck.ir.exercise import Exercised
from kmcheck.trace import Trace

ENGINE = "native"
"""The engine with which the command line explores unless another is named."""

ALL = frozenset({"all"})
"""All reductions, as names of what is left out."""

BY_USER = "interrupted"
"""Why a search has stopped if somebody wanted that."""

WITHOUT: frozenset[str] = frozenset()
"""The reductions that the command line leaves out unless others are named."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Where a search that ends early is kept, how often it is on the way, and what to go on from.

    `every` is wall time in seconds. `identity` says, as JSON does, what search it is.
    """

    keep: str | None = None
    every: float = 300.0
    resume: str | None = None
    identity: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """How far to go, and on how many threads: None is without limit.

    `seconds` is wall time, `bytes` resident memory. An engine may use fewer threads.
    """

    states: int | None = None
    depth: int | None = None
    seconds: float | None = None
    bytes: int | None = None
    threads: int = 1
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    spill: str | None = None
    """A folder for what has no room in memory."""
    compact: bool = False
    """Whether to remember 64 bits of each state, and to say how likely it is that one is missed."""
    spent: float = 0.0
    """Seconds that are gone already."""
    wanted_bytes: int | None = None
    """`bytes`, if somebody named them; None if they are what this machine has."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A run, as claimed: the initial state's number, then process and choices of each step.

    One that never ends repeats its steps from number `loop` on, counted from 0. If there are none
    left, it rests in its last state for ever.
    """

    initial: int
    steps: tuple[tuple[int, tuple[int, ...]], ...]
    loop: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A violation that an engine claims to have found at the end of a run."""

    violation: str
    witness: Witness


@dataclass(frozen=True, slots=True)
class Unexercised:
    """A step, an arm of a branch or an option of a choice that no run came to."""

    what: str
    span: Span


@dataclass(frozen=True, slots=True)
class Unmet:
    """A part of a property that was never looked at: what stands in front of it decided."""

    property: str
    span: Span


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A variable, and by how much it multiplies the states."""

    name: str
    factor: float


@dataclass(frozen=True, slots=True)
class Multiplied:
    """The variables that multiply the states most, the first one by the most.

    `sample` is of how many states that is so; 0 if it is so of all that were found.
    """

    by: tuple[Multiplier, ...] = ()
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """What an exploration saw. `transitions` counts the steps out of all expanded states."""

    states: int
    transitions: int
    depth: int
    terminal_states: int
    judged: dict[str, int]
    """For each property, how often it was asked for: 0 is vacuous."""
    unexercised: tuple[Unexercised, ...]
    bound_reached: tuple[str, ...]
    unmet: tuple[Unmet, ...] = ()
    exercised: dict[str, Exercised] = field(default_factory=dict)
    """For each template, what was run of it."""
    multiplied: Multiplied = field(default=Multiplied(), compare=False)
    """Told of a search that was given up. Advice, and no finding: engines need not agree on it."""
    spilled: int = field(default=0, compare=False)
    """How many states went to disk."""
    checkpoint: str = field(default="", compare=False)
    """Where all of it has been kept, for who wants to go on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an engine says: the claims, and why it stopped before all was seen, if it did."""

    claims: tuple[Claim, ...]
    complete: bool
    """Whether the whole space was explored, so that what is not claimed holds."""
    stopped: str | None
    statistics: Statistics
    undefined: tuple[tuple[str, str], ...] = ()
    """Properties that cannot be evaluated in every state, each with what goes wrong."""
    skipped: tuple[str, ...] = ()
    """What was not looked at any more, behind the first violation, though all was explored."""
    cut: Literal["", "budget", "undecided"] = ""
    """What ended the search in the middle of a level: how far it came says nothing of the spec."""
    omission: float | None = None
    """Of a search that remembers fingerprints: how likely it is at the most that it missed a state.

    Then nothing is complete for certain, and no violation the first for certain, unless it is 0.
    """


@dataclass(frozen=True, slots=True)
class Holds:
    """The property holds in the whole bounded space, if all of it was seen."""

    property: str
    omission: float = 0.0
    """How likely it is at the most that a state was missed."""


@dataclass(frozen=True, slots=True)
class Violated:
    """The property is violated, and the trace shows it, confirmed by the reference semantics."""

    property: str
    trace: Trace
    shortest: bool = True
    """Whether no run with fewer steps is as bad."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither: the exploration ended before the space did."""

    property: str
    why: str


Verdict = Holds | Violated | Unknown


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about a verdict: for what it was found, how, and how much of it is vacuous."""

    spec: str
    path: str
    digest: str
    bounds: tuple[tuple[str, str], ...]
    choices: tuple[tuple[str, str], ...]
    changed: tuple[tuple[str, str], ...]
    """The settings that differ from the spec's defaults."""
    properties: tuple[str, ...]
    """The spec's own."""
    engine: str
    reductions: tuple[str, ...]
    """What each reduction did; none that found nothing to do is among them."""
    left_out: tuple[str, ...]
    """The reductions that were not to be applied, as `--no-reduce` takes them."""
    exact: bool
    memory_model: str
    statistics: Statistics
    stopped: str | None
    solver_queries: int
    solver_stood_for: int
    version: str
    audit: str = ""
    """What came of comparing with another engine; empty if nobody wanted that."""
    omission: float | None = None
    """As in the finding; None if states were remembered as they are."""
    liveness: bool = False
    """Whether livelock and starvation were asked for by name of the option."""
    races: bool = False
    """Whether data races were asked for by the option."""
    wanted: tuple[str, ...] = ()
    """The properties that were asked for by name; none is all."""
    every: bool = False
    """Whether the search went on behind the first violation."""
    closed: bool = False
    """Whether every state was seen that can be reached: a search may end at a violation before."""
    limits: tuple[tuple[str, Span | None], ...] = ()
    """What ran out, and where its limit is written."""
    budget: Budget | None = None
    """How far to go, if the search was given up: without it nothing else may come of it."""
    fairness: str = ""
    """Who is not left out for ever, if runs that never end were asked for."""

    @property
    def ended(self) -> str:
        """Why not all was explored: it was given up, or was answered; empty if all was."""
        return "" if self.closed else self.stopped or "ended at the violation"


@dataclass(frozen=True, slots=True)
class Result:
    """All that came of verifying one spec with one setting. `volatile` differs from run to run."""

    verdicts: tuple[Verdict, ...]
    label: Label
    seconds: float = field(compare=False)
    peak_bytes: int = field(compare=False)

    @property
    def vacuous(self) -> tuple[str, ...]:
        """What there are verdicts on, and was never asked for in any state."""
        told = {v.property for v in self.verdicts}
        judged = self.label.statistics.judged
        return tuple(name for name, times in judged.items() if not times and name in told)

    @property
    def unmet(self) -> tuple[Unmet, ...]:
        """The parts that were never looked at of the properties that hold."""
        held = {v.property for v in self.verdicts if isinstance(v, Holds)}
        return tuple(u for u in self.label.statistics.unmet if u.property in held)

    @property
    def outcome(self) -> Literal["holds", "violated", "unknown"]:
        """The worst of the verdicts: violated, then unknown, then holds."""
        if any(isinstance(v, Violated) for v in self.verdicts):
            return "violated"
        return "unknown" if any(isinstance(v, Unknown) for v in self.verdicts) else "holds"

    def uninterrupted(self) -> Result:
        """Return the result, if it is one of many and the search was not interrupted.

        Raises:
            KeyboardInterrupt: somebody wants no more of this.
        """
        if self.label.stopped == BY_USER:
            raise KeyboardInterrupt
        return self
