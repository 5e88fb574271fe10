"""What a property that fails has looked at: the fields it read, and what they held."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmcheck.diagnostics import Span
from kmcheck.ir.expr import Before, walk
from kmcheck.replay.names import Names
from kmcheck.replay.values import Values
from kmcheck.semantics import Failure, State
from kmcheck.semantics.evaluate import Evaluator

MOST = 6
"""Fields, beyond which telling them all explains nothing."""


@dataclass(slots=True)
class Reading:
    """Listens to the evaluation of a property."""

    names: Names
    values: Values
    found: dict[str, str] = field(default_factory=dict)
    """For each field that was read, what it holds."""

    def loaded(self, kind: str, index: int, field: str, value: object, span: Span) -> None:
        """Keep a field and its value."""
        del span
        declared = self.names.layout.program.kinds[kind].fields[field]
        name = self.names.member(kind, index, field)
        self.found[name] = self.values.of(declared.type, value).text


def read_by(failure: Failure, state: State, names: Names, values: Values) -> str:
    """Return `k.a = 1, k.b = 2` for what a property read when it failed; empty if it is too much.

    A law over sizes is told by sizes that break it, and a step by what it did.
    """
    formula = failure.property.formula
    if not isinstance(failure.residual, bool) or any(isinstance(e, Before) for e in walk(formula)):
        return ""
    reading = Reading(names, values)
    evaluator = Evaluator(names.layout, None, reading)
    for (cell, _, _), value in zip(failure.property.parameters, failure.bindings, strict=True):
        evaluator.cells[cell] = value
    evaluator.formula(formula)(list(state), 0)
    if len(reading.found) > MOST:
        return ""
    return ", ".join(f"{name} = {value}" for name, value in reading.found.items())
