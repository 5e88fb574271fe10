"""The end of a run: the violation, found again, with what caused it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kmcheck.diagnostics import InternalError
from kmcheck.ir.expr import Op
from kmcheck.ir.program import ENDLESS
from kmcheck.ir.types import Counter, Ref, SetOf
from kmcheck.replay.getting import got_by, owner_of
from kmcheck.replay.reading import inside_of, read_by
from kmcheck.replay.recorder import place_of
from kmcheck.replay.teller import Teller
from kmcheck.replay.there import is_stuck
from kmcheck.residual import Residual
from kmcheck.semantics import Failure, Fault, Judge
from kmcheck.semantics.obligations import Obligations, TooMany
from kmcheck.solver import Solver
from kmcheck.trace import Access, Violation


class Ending:
    """Judges where a run has ended."""

    def __init__(self, teller: Teller, solver: Solver) -> None:
        self.teller = teller
        self.solver = solver
        self.layout = teller.layout
        self.names = teller.names
        self.judge = Judge(self.layout, solver.holds)

    def verdict(self, violation: str, fault: Fault | None) -> Violation:
        """Return the violation that was claimed.

        Raises:
            InternalError: it is not there.
        """
        if fault is not None:
            if fault.kind != violation:
                raise InternalError(
                    f"the witness was to end in {violation}, and ends in {fault.kind}"
                )
            return self._fault(fault)
        for prop in self.layout.program.properties:
            if prop.name == violation:
                return self._property(violation)
        if violation == "deadlock" and is_stuck(self.teller.quiet, self.judge, self.teller.state):
            return Violation("deadlock", "no process can go on, and not all have ended")
        if violation == "leak":
            leaked = self.judge.leaked(self.teller.state)
            if leaked is not None and self.judge.all_ended(self.teller.state):
                name = self.names.of(*leaked)
                return Violation(
                    "leak", f"all have ended, and nothing leads to {name} any more", name
                )
        for _, found in self.judge.failing(self.teller.state, self.teller.previous):
            if found is not None and found.kind == violation:
                return self._fault(found)
        for found in self._unanswered():
            if found.kind == violation:
                return self._fault(found)
        raise InternalError(f"the witness was to end in {violation}, and does not")

    def _unanswered(self) -> Iterator[Fault]:
        """Yield what goes wrong in evaluating properties of runs that never end."""
        names = [p.name for p in self.layout.program.properties if p.when in ENDLESS]
        for name in names:
            try:
                Obligations(self.layout, name.__eq__).of(name, self.teller.state)
            except Fault as fault:
                yield fault
            except TooMany:
                continue

    def has_come(self, violation: str) -> bool:
        """Tell whether a property of this name does not hold where the run is now."""
        state, previous = self.teller.state, self.teller.previous
        failing = self.judge.failing(state, previous)
        return any(prop.name == violation and fault is None for prop, fault in failing)

    def _fault(self, fault: Fault) -> Violation:
        thing = (
            None if fault.thing is None else self.names.of(*fault.thing, stale=fault.kind in _STALE)
        )
        thing = owner_of(thing) if thing is not None and fault.kind in _STALE else thing
        cause = self._last(lambda a: a.what == "free" and a.thing == thing)
        source = got_by(self.teller.events, self.teller.initial, thing)
        sizes, told = self._sizes(fault.residual, fault.thing)
        message = fault.message + told
        place = place_of(fault.span)
        frames = self.teller.frames_of(fault)
        return Violation(fault.kind, message, thing, cause, source, sizes, place, frames)

    def _last(self, wanted: Callable[[Access], bool]) -> int | None:
        for event in reversed(self.teller.events):
            if any(wanted(access) for access in event.accesses):
                return event.number
        return None

    def _property(self, name: str) -> Violation:
        prop = next(p for p in self.layout.program.properties if p.name == name)
        failure = self.judge.test(prop, self.teller.state, self.teller.previous)
        due = [
            p.name
            for p in self.judge.due(self.teller.state, stepped=self.teller.previous is not None)
        ]
        if failure is None or name not in due:
            raise InternalError(f"the witness was to violate {name}, and does not")
        return self._failed(failure)

    def _failed(self, failure: Failure) -> Violation:
        shown, things = [], []
        for (_, _, domain), value in zip(
            failure.property.parameters, failure.bindings, strict=True
        ):
            if not isinstance(domain.type, SetOf):
                raise InternalError(f"{failure.property.name} ranges over no set")
            element = domain.type.element
            shown.append(self.teller.values.of(element, value).text)
            if isinstance(element, Ref):
                things.append((element.kind, (value >> 1) - 1))
        at = f"({', '.join(shown)})" if shown else ""
        thing = things[0] if things else None
        sizes, told = self._sizes(failure.residual, thing)
        told += self._sides(failure, named=thing is not None)
        read = read_by(failure, self.teller.state, self.names, self.teller.values)
        inside = inside_of(failure, self.teller.state, self.teller.stacks, self.names)
        found = "; ".join(text for text in (*inside, read) if text)
        message = f"{failure.property.name}{at} does not hold{told}{f': {found}' if found else ''}"
        name = self.names.of(*thing) if thing is not None else None
        return Violation(
            failure.property.name, message, name, None, None, sizes, place_of(failure.property.span)
        )

    def _sizes(
        self, residual: Residual, thing: tuple[str, int] | None
    ) -> tuple[tuple[tuple[str, int], ...], str]:
        """Return sizes for which a law fails, and what the counters of `thing` are then."""
        if isinstance(residual, bool):
            return (), ""
        model = self.solver.counterexample(residual)
        sizes = tuple((self.names.symbol(symbol), value) for symbol, value in sorted(model.items()))
        told = ", ".join(f"{name} = {value}" for name, value in sizes)
        counters = "; ".join(self._counters(thing, model)) if thing is not None else ""
        return sizes, f": {told}" + (f": {counters}" if counters else "")

    def _sides(self, failure: Failure, *, named: bool) -> str:
        """Return what the two sides of a law are for the sizes that break it."""
        formula = failure.property.formula
        if isinstance(failure.residual, bool) or not isinstance(formula, Op):
            return ""
        if formula.name not in _LAWS:
            return ""
        model = self.solver.counterexample(failure.residual)
        evaluator = self.judge.evaluator
        for (cell, _, _), value in zip(failure.property.parameters, failure.bindings, strict=True):
            evaluator.cells[cell] = value
        left, right = (
            _value(evaluator.of(side)(list(self.teller.state), 0), model) for side in formula.args
        )
        first = "" if named else f": {formula.args[0].span.text} = {left}"
        return f"{first}, where the law says {right}"

    def _counters(self, thing: tuple[str, int], model: dict[int, int]) -> list[str]:
        found = []
        for kind, index in self.layout.parts(*thing):
            for name, info in self.layout.program.kinds[kind].fields.items():
                if isinstance(info.type, Counter):
                    form = self.teller.state[self.layout.fields[kind, name] + index]
                    value = _value(form, model)
                    owner = self.names.of(kind, index)
                    found.append(f"{owner}{'.' if '->' in owner else '->'}{name} = {value}")
        return found


def _value(form: tuple[int, ...], model: dict[int, int]) -> int:
    """Return what a linear form is for given sizes; those not given are 1."""
    return form[0] + sum(c * model.get(i, 1) for i, c in enumerate(form) if i)


_LAWS = {"form_eq", "form_ne", "form_lt", "form_le", "form_gt", "form_ge"}
_STALE = {"use-after-free", "double-free"}
