"""The native engine: the semantics compiled to machine code through LLVM, and explored with it.

Exact: states are packed into words without loss, and every word is compared, unless the budget says
that fingerprints are enough. Breadth first, in the reference's order, so that counts, depths and
traces are the reference's own.
"""

from __future__ import annotations

from collections.abc import Callable

from kmcheck.engines.native.search import Search
from kmcheck.protocols import Engine, Progress, Question
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Finding


class Native:
    """The engine on the shelf."""

    name = "native"

    def search(
        self,
        system: TransitionSystem,
        question: Question,
        solver: Solver,
        budget: Budget,
        report: Callable[[Progress], None],
    ) -> Finding:
        """Explore with machine code."""
        return Search(system, question, solver, budget, report).run()


ENGINE: Engine = Native()
