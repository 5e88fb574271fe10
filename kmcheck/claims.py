"""What a breadth-first search finds: the claims settle level by level, shortest first.

Every engine finds in its own way, and says what it found through this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from kmcheck.ir.program import Property
from kmcheck.machine import resident
from kmcheck.protocols import Progress, Question
from kmcheck.semantics import Fault, Undecided
from kmcheck.solver import Undecided as SolverUndecided
from kmcheck.verdict import BY_USER, Budget, Claim, Finding, Statistics, Witness


class Stop(Exception):  # noqa: N818
    """The search ends here: the text says why, None that the question is answered.

    `level` says that a level ends here, too: all that was seen is then the same on any machine.
    """

    def __init__(self, why: str | None, *, level: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.level = level


@dataclass(slots=True)
class Claims:
    """What was found so far. A claim counts once its level has been looked through."""

    question: Question
    alike: bool = False
    """Whether it is a matter of numbering what is found first on a level: names then decide."""
    claims: dict[str, Claim] = field(default_factory=dict)
    later: dict[str, Claim] = field(default_factory=dict)
    """Claims whose run is a step longer than the level that is being expanded."""
    bounds: set[str] = field(default_factory=set)
    beyond: set[str] = field(default_factory=set)
    """Violations that runs have ended in: what would come behind them is not explored."""
    undefined: dict[str, str] = field(default_factory=dict)
    """Properties that cannot be evaluated everywhere, and what goes wrong."""
    skipped: list[str] = field(default_factory=list)
    """What is not looked at any more, behind the first violation."""
    given_up: bool = False
    """Whether the budget ended the search: its states, its depth, its time, its memory."""

    def claim(self, violation: str, witness: Witness, *, now: bool = False) -> None:
        """Claim a violation; `now` if the run ends in a state that is being expanded."""
        wanted = self.question.wanted
        if wanted is None or violation in wanted:
            (self.claims if now else self.later).setdefault(violation, Claim(violation, witness))

    def fail(self, prop: Property, fault: Fault | None, run: Witness) -> None:
        """Claim that a property does not hold, or cannot be evaluated."""
        if fault is None:
            self.claim(prop.name, run)
            return
        known = self.undefined.setdefault(prop.name, fault.kind)
        if self.alike:
            self.undefined[prop.name] = min(known, fault.kind)
        wanted = self.question.wanted
        if wanted is None or wanted & {prop.name, fault.kind}:
            self.later.setdefault(fault.kind, Claim(fault.kind, run))

    def settle(self) -> None:
        """End a level: what was found on it counts, shortest first.

        Raises:
            Stop: the question is answered.
        """
        for claim in self._in_order(self.later):
            if self.claims and not self.question.every:
                break
            self.claims.setdefault(claim.violation, claim)
        self.later.clear()
        if self.claims and not self.question.every:
            first = self._in_order(self.claims)[0]
            self.claims = {first.violation: first}
            raise Stop(None, level=True)

    def _in_order(self, claims: dict[str, Claim]) -> list[Claim]:
        """Return claims, shortest first; those of one level in the order in which they came."""
        if not self.alike:
            return list(claims.values())
        return sorted(claims.values(), key=lambda c: (len(c.witness.steps), c.violation))

    def finding(self, levels: Callable[[], None], statistics: Callable[[], Statistics]) -> Finding:
        """Run a search, and return what it found and why it ended."""
        stopped: str | None = None
        cut: Literal["", "budget", "undecided"] = ""
        complete = False
        try:
            levels()
            complete = True
        except Stop as stop:
            stopped, cut = stop.why, "" if stop.level else "budget"
        except (Undecided, SolverUndecided) as undecided:
            stopped, cut = f"a comparison depends on the sizes: {undecided}", "undecided"
        except MemoryError:
            stopped, cut = "out of memory", "budget"
        except KeyboardInterrupt:
            stopped, cut = BY_USER, "budget"
        self.given_up = stopped is not None and cut != "undecided"
        if stopped is None and self.bounds:
            stopped = "bound reached: " + ", ".join(sorted(self.bounds))
            complete = False
        if complete and self.beyond:
            stopped = "runs are not followed beyond " + ", ".join(sorted(self.beyond))
            complete = False
        claims, undefined = tuple(self._in_order(self.claims)), list(self.undefined.items())
        if self.alike:
            undefined.sort()
        skipped = tuple(self.skipped)
        return Finding(claims, complete, stopped, statistics(), tuple(undefined), skipped, cut)


@dataclass(slots=True)
class Clock:
    """Looks at the clock, the memory and the screen now and then.

    An engine looks before it expands the first state of a level, and then as often as it likes.
    """

    budget: Budget
    report: Callable[[Progress], None]
    started: float = field(default_factory=time.monotonic)
    levels: list[int] = field(default_factory=list)
    """How many states there are at each depth, down to that which is being expanded."""
    found: int = 0
    """States above the level that is being expanded."""

    def look(self, progress: Progress) -> None:
        """Report how far a search is.

        Raises:
            Stop: the budget is used up.
        """
        if len(self.levels) == progress.depth:
            self.levels.append(progress.states - self.found)
            self.found = progress.states
        known = len(self.levels) == progress.depth + 1
        self.report(replace(progress, levels=self.levels if known else ()))
        seconds, most = self.budget.seconds, self.budget.bytes
        spent = self.budget.spent + time.monotonic() - self.started
        if seconds is not None and spent > seconds:
            raise Stop(f"{seconds:g} seconds are over")
        if most is not None and resident() > most:
            raise Stop(f"{most / 2**30:.3g} GiB of memory are used")

    def descend(self, depth: int) -> None:
        """Begin to expand the states of a depth.

        Raises:
            Stop: it is too deep.
        """
        if depth == 0:  # an engine may begin again
            self.levels, self.found = [], 0
        if self.budget.depth is not None and depth >= self.budget.depth:
            raise Stop(f"depth {self.budget.depth} reached", level=True)

    def count(self, states: int) -> None:
        """Notice how many states there are.

        Raises:
            Stop: they are too many.
        """
        if self.budget.states is not None and states > self.budget.states:
            raise Stop(f"{self.budget.states:,} states reached")
