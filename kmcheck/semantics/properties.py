"""The meaning of properties: does one hold in a state, and for which object does it not?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kmcheck.ir.consequents import consequents
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import live_in
from kmcheck.ir.program import ENDLESS, Property
from kmcheck.ir.types import ArrayOf, ListOf, Ref, SetOf, Type, first_code
from kmcheck.residual import Residual
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.semantics.faults import Fault
from kmcheck.semantics.machine import State
from kmcheck.semantics.operations import is_initialised, members
from kmcheck.semantics.positions import first_cuts


def _targets(kind: Type, value: Any) -> list[tuple[str, int]]:
    """Return the objects that a value points to."""
    if not is_initialised(value):
        return []
    match kind:
        case Ref(kind=name):
            return [(name, (value >> 1) - 1)] if value > 0 and not value & 1 else []
        case SetOf(element=Ref() as element):
            return [t for v in members(value, 2) for t in _targets(element, v)]
        case ListOf(element=element) | ArrayOf(element=element):
            return [t for v in value for t in _targets(element, v)]
        case _:
            return []


class Failure(NamedTuple):
    """A property fails: for which values of its parameters, and what is left over sizes."""

    property: Property
    bindings: tuple[int, ...]
    residual: Residual


class Judge:
    """Decides the properties of a program. `decide` tells if a residual holds for all sizes."""

    def __init__(self, layout: Layout, decide: Callable[[Residual], bool]) -> None:
        self.layout = layout
        self.decide = decide
        self.evaluator = Evaluator(layout, None)
        ours = [p for p in layout.program.properties if p.when not in ENDLESS]
        self.tests = {p.name: self._test(p) for p in ours}
        self.reached = {
            p.name: [self.evaluator.of(part.reached) for part in consequents(p)] for p in ours
        }
        self.looked = {name: bytearray(len(parts)) for name, parts in self.reached.items()}
        """For each property, whether what stands behind its conditions was ever looked at."""
        self.judged: dict[str, int] = dict.fromkeys(self.tests, 0)
        """How many values each property was asked for: one that stays at 0 is vacuous.

        Those of runs that never end are judged elsewhere (`kmcheck.liveness`).
        """
        if any(kind.allocated_by_processes for kind in layout.program.kinds.values()):
            self.judged["leak"] = 0
        self.positions = [
            (
                layout.pc[name] + i,
                frozenset({0, *(b + 1 for b in first_cuts(layout, name))}),
                template.role,
            )
            for name, template in layout.program.templates.items()
            if name in layout.processes
            for i in range(layout.instances(name))
        ]
        self.daemons = {
            name: [set(), *live_in(template.blocks, set(template.variables))]
            for name, template in layout.program.templates.items()
            if template.role == "daemon"
        }
        """For each daemon, the variables that it will still read, by its position."""
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

    def leaked(self, state: State) -> tuple[str, int] | None:
        """Return an object that a process allocated and that nothing leads to any more.

        What leads to it is a global, an object of setup's, or a daemon's variable; no ghost does.
        """
        program, layout = self.layout.program, self.layout
        suspects = [
            (kind, layout.dynamic(kind).base + i)
            for kind, info in program.kinds.items()
            if info.allocated_by_processes
            for i in range(layout.dynamic(kind).count)
            if state[layout.life[kind] + i] == 1
        ]
        if "leak" in self.judged:
            self.judged["leak"] += 1
        if not suspects:
            return None
        reached = self._reachable(state)
        return next((s for s in suspects if s not in reached), None)

    def _reachable(self, state: State) -> set[tuple[str, int]]:
        layout = self.layout
        ahead = []
        for kind in layout.program.kinds:
            for index in range(layout.pool(kind)):
                life = layout.life_slot(kind, index)
                if life is None or state[life] == 2:  # noqa: PLR2004 - setup's mark
                    ahead.append((kind, index))
        ahead += self._held_by_daemons(state)
        seen = set(ahead)
        for kind, index in ahead:
            for part, at in layout.parts(kind, index):
                for name, info in layout.program.kinds[part].fields.items():
                    if info.ghost:
                        continue
                    for found in _targets(info.type, state[layout.fields[part, name] + at]):
                        whole = layout.whole(*found)
                        if whole not in seen:
                            seen.add(whole)
                            ahead.append(whole)
        return seen

    def _held_by_daemons(self, state: State) -> list[tuple[str, int]]:
        """Return what those who need not end will still read from their variables."""
        layout = self.layout
        return [
            layout.whole(*found)
            for name, live in self.daemons.items()
            for i in range(layout.instances(name))
            for variable in live[state[layout.pc[name] + i]]
            for found in _targets(
                layout.program.templates[name].variables[variable],
                state[layout.variables[name, variable] + i],
            )
        ]

    def failing(
        self, state: State, previous: State | None, *, steps_only: bool = False
    ) -> Iterator[tuple[Property, Fault | None]]:
        """Yield the properties that do not hold in a state, or of the step to it.

        With each comes what goes wrong in evaluating it, if anything does: that is then what is
        violated. Each property is judged by itself.
        """
        for prop in self.due(state, stepped=previous is not None, steps_only=steps_only):
            try:
                if self.test(prop, state, previous) is not None:
                    yield prop, None
            except Fault as fault:
                yield prop, fault

    def due(self, state: State, *, stepped: bool, steps_only: bool = False) -> Iterator[Property]:
        """Yield the properties that are to hold here."""
        if stepped:
            yield from self.by_time["step"]
        if steps_only:
            return
        yield from self.by_time["always"]
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
                self._look(prop.name, state)
                continue
            if residual is False or not self.decide(residual):
                return Failure(prop, bindings, residual)
        return None

    def _look(self, name: str, state: State) -> None:
        """Note which parts of a property that holds were looked at."""
        looked = self.looked[name]
        if not all(looked):
            listed: Any = state
            for number, reached in enumerate(self.reached[name]):
                if not looked[number]:
                    looked[number] = bool(reached(listed, 0))

    def _test(
        self, prop: Property
    ) -> Callable[[State], Iterator[tuple[tuple[int, ...], Residual]]]:
        formula = self.evaluator.formula(prop.formula)
        domains = []
        for cell, _, domain in prop.parameters:
            first = first_code(domain.type.element) if isinstance(domain.type, SetOf) else 0
            domains.append((cell, self.evaluator.of(domain), first))
        cells = self.evaluator.cells

        def bind(
            state: Any, depth: int, bound: tuple[int, ...]
        ) -> Iterator[tuple[tuple[int, ...], Residual]]:
            if depth == len(domains):
                yield bound, formula(state, 0)
                return
            cell, domain, first = domains[depth]
            for value in members(domain(state, 0), first):
                cells[cell] = value
                yield from bind(state, depth + 1, (*bound, value))

        return lambda state: bind(state, 0, ())
