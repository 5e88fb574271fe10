"""The meaning of properties: does one hold in a state, and for which object does it not?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kmcheck.ir.layout import Layout
from kmcheck.ir.program import Property
from kmcheck.ir.types import SetOf, first_code
from kmcheck.residual import Residual
from kmcheck.semantics.evaluate import Evaluator, first_cuts
from kmcheck.semantics.execute import State
from kmcheck.semantics.operations import members


class Failure(NamedTuple):
    """A property does not hold: for which values of its parameters, and what is left over sizes."""

    property: Property
    bindings: tuple[int, ...]
    residual: Residual


class Judge:
    """Decides the properties of a program. `decide` tells whether a residual holds for all sizes."""

    def __init__(self, layout: Layout, decide: Callable[[Residual], bool]) -> None:
        self.layout = layout
        self.decide = decide
        self.evaluator = Evaluator(layout, None)
        self.tests = {p.name: self._test(p) for p in layout.program.properties}
        self.judged: dict[str, int] = dict.fromkeys(self.tests, 0)
        """How many values each property was asked for: one that stays at 0 is vacuous."""
        self.positions = [
            (layout.pc[name] + i, frozenset({0, *(b + 1 for b in first_cuts(layout, name))}), template.role)
            for name, template in layout.program.templates.items()
            if name in layout.processes
            for i in range(layout.instances(name))
        ]
        self.by_time = {
            when: [p for p in layout.program.properties if p.when == when]
            for when in ("always", "finally", "rest", "step")
        }

    def at_rest(self, state: State) -> bool:
        """Tell whether every process has either not begun or ended."""
        return all(state[slot] in resting for slot, resting, _ in self.positions)

    def all_ended(self, state: State) -> bool:
        """Tell whether every process that has to end has ended."""
        return all(role == "daemon" or not state[slot] for slot, _, role in self.positions)

    def judge(self, state: State, previous: State | None) -> Failure | None:
        """Return the first property that does not hold in a state (or of the step to it)."""
        for prop in self._due(state, previous is not None):
            failure = self.test(prop, state, previous)
            if failure is not None:
                return failure
        return None

    def _due(self, state: State, stepped: bool) -> Iterator[Property]:  # noqa: FBT001
        yield from self.by_time["always"]
        if stepped:
            yield from self.by_time["step"]
        if self.by_time["rest"] and self.at_rest(state):
            yield from self.by_time["rest"]
        if self.by_time["finally"] and self.all_ended(state):
            yield from self.by_time["finally"]

    def test(self, prop: Property, state: State, previous: State | None) -> Failure | None:
        """Return how one property fails in a state, None if it holds."""
        self.evaluator.previous = list(previous if previous is not None else state)
        for bindings, residual in self.tests[prop.name](state):
            self.judged[prop.name] += 1
            if residual is True:
                continue
            if residual is False or not self.decide(residual):
                return Failure(prop, bindings, residual)
        return None

    def _test(self, prop: Property) -> Callable[[State], Iterator[tuple[tuple[int, ...], Residual]]]:
        formula = self.evaluator.formula(prop.formula)
        domains = []
        for cell, _, domain in prop.parameters:
            first = first_code(domain.type.element) if isinstance(domain.type, SetOf) else 0
            domains.append((cell, self.evaluator.of(domain), first))
        cells = self.evaluator.cells

        def bind(state: Any, depth: int, bound: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Residual]]:
            if depth == len(domains):
                yield bound, formula(state, 0)
                return
            cell, domain, first = domains[depth]
            for value in members(domain(state, 0), first):
                cells[cell] = value
                yield from bind(state, depth + 1, (*bound, value))

        return lambda state: bind(state, 0, ())
