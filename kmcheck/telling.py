"""From what a search claims to the runs that are shown: shortest ones, of the whole system.

Among those of one length it is one that changes processes least often, as far as can be found fast.

A reduced system has other runs than the whole one. What it violates is looked for in the whole one
again, no farther than a run to it is known to go, so that the same runs are shown as without
reductions. Where that takes too long, the run that is known is shown, and not called shortest.
Neither is one of a search that may have missed states, nor one that never ends: this is made one of
the whole system by going round until it comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from kmcheck.diagnostics import InternalError
from kmcheck.ir.program import DATA_RACE, ENDLESS
from kmcheck.protocols import Engine, Progress, Question
from kmcheck.replay import replay, unending, unreduced, with_fewest
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Checkpoints, Claim, Finding, Violated

LEAST, TIMES = 2**20, 16
"""States of the whole system that are worth a shortest run: so many, or times those explored."""


class Unlike(Exception):  # noqa: N818
    """The whole system has no run like that of the reduced one: it may never come back."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How to show what was found: in the whole system, asked the same question.

    `budget` is what the search has left over.
    """

    system: TransitionSystem
    engine: Engine
    question: Question
    budget: Budget
    solver: Solver
    settings: tuple[tuple[str, str], ...]
    readable: bool
    """Whether to look for runs that are read with less effort, and for where all was lost."""

    def shown(
        self, reduced: TransitionSystem, finding: Finding, report: Callable[[Progress], None]
    ) -> dict[str, Violated]:
        """Return what is violated, each with a run that the semantics has confirmed.

        Raises:
            Unlike: a run that never ends is none of the whole system's, as far as can be seen, or a
                property of such runs cannot be evaluated.
            InternalError: the semantics refuses a run, or the whole system violates nothing.
        """
        if reduced is self.system:
            sure = not finding.omission
            return {c.violation: self._told(c, shortest=sure) for c in finding.claims}
        endings = {p.name for p in self.system.program.properties if p.when in ENDLESS}
        if endings & {name for name, _ in finding.undefined}:
            raise Unlike
        endless = [claim for claim in finding.claims if claim.witness.loop is not None]
        ending = [claim for claim in finding.claims if claim.witness.loop is None]
        return {
            **self._shown(reduced, finding, ending, report),
            **{claim.violation: self._round(reduced, claim) for claim in endless},
        }

    def whole(self, finding: Finding, report: Callable[[Progress], None]) -> Finding:
        """Return what a search of the whole system finds, where one of less found runs unlike it.

        Raises:
            InternalError: all of it violates nothing: the runs that were found are none.
        """
        budget = replace(self.budget, checkpoints=Checkpoints())
        found = self.engine.search(self.system, self.question, self.solver, budget, report)
        if found.complete and not (found.claims or found.undefined or found.omission):
            named = ", ".join(sorted(claim.violation for claim in finding.claims))
            if named:
                raise InternalError(
                    f"a reduced system violates {named}, and the whole one does not"
                )
        return found

    def _round(self, reduced: TransitionSystem, claim: Claim) -> Violated:
        """Return what a run of the reduced system that never ends violates in the whole one."""
        for witness in unending(self.system, reduced, claim, self.solver):
            with suppress(InternalError):
                return self._told(Claim(claim.violation, witness), shortest=False)
        raise Unlike

    def _shown(
        self,
        reduced: TransitionSystem,
        finding: Finding,
        claims: list[Claim],
        report: Callable[[Progress], None],
    ) -> dict[str, Violated]:
        if not claims:
            return {}
        known = {
            claim.violation: Claim(
                claim.violation, unreduced(self.system, reduced, claim, self.solver)
            )
            for claim in claims
        }
        found = self._search(known, finding, report)
        there = {claim.violation: claim for claim in found.claims}
        missing = known.keys() - there.keys() if self.question.every or not there else set()
        sure = not found.omission
        if missing and found.complete and sure:
            named = ", ".join(sorted(missing))
            raise InternalError(f"the reduced system violates {named}, and the whole one does not")
        shown = {name: self._told(claim, shortest=sure) for name, claim in there.items()}
        shown |= {n: self._told(c, shortest=False) for n, c in known.items() if n in missing}
        return shown

    def _search(
        self, known: dict[str, Claim], finding: Finding, report: Callable[[Progress], None]
    ) -> Finding:
        """Search the whole system, as far as the runs go that are known.

        The first violation is shown, whichever it is: another may come before the one claimed.
        """
        wanted = frozenset(known) if self.question.every else self.question.wanted
        depth = 1 + max(len(claim.witness.steps) for claim in known.values())
        states = max(LEAST, TIMES * finding.statistics.states)
        budget = replace(
            self.budget,
            depth=_less(depth, self.budget.depth),
            states=_less(states, self.budget.states),
            checkpoints=Checkpoints(),  # what is kept is the search of the reduced system
        )
        question = replace(self.question, wanted=wanted, endless=False)
        return self.engine.search(self.system, question, self.solver, budget, report)

    def _told(self, claim: Claim, *, shortest: bool) -> Violated:
        if self.readable and claim.violation != DATA_RACE:  # two steps of a race say it best
            claim = with_fewest(self.system, claim, self.solver)
        trace = replay(self.system, claim, self.settings, self.solver, readable=self.readable)
        return Violated(claim.violation, trace, shortest and claim.witness.loop is None)


def _less(most: int, also: int | None) -> int:
    return most if also is None else min(most, also)
