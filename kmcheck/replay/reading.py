"""What a property that fails has looked at: the fields it read, and what they held."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmcheck.diagnostics import Span
from kmcheck.ir.expr import Alive, Before, Expr, Position, walk
from kmcheck.replay.names import Names
from kmcheck.replay.stacks import Stacks
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
    found = reading.found or _living(formula, evaluator, state, values)
    return ", ".join(f"{name} = {value}" for name, value in found.items())


def _living(formula: Expr, evaluator: Evaluator, state: State, values: Values) -> dict[str, str]:
    """Return what is alive, for a property that asks about nothing else."""
    asked = {f"alive({_plain(e.kind)})": e for e in walk(formula) if isinstance(e, Alive)}
    there = {name: evaluator.of(e)(list(state), 0) for name, e in asked.items()}
    return {name: values.of(asked[name].type, value).text for name, value in there.items()}


def _plain(kind: str) -> str:
    return kind.partition("(")[0]


def inside_of(failure: Failure, state: State, stacks: Stacks, names: Names) -> list[str]:
    """Return `CPU0 and CPU1 are inside of enter()` for each function that a property asks about."""
    asked = [e for e in walk(failure.property.formula) if isinstance(e, Position)]
    functions = dict.fromkeys(e.function for e in asked if e.what == "inside")
    found: list[str] = []
    for function in functions:
        blocks = ((n, stacks.block(state, n)) for n in range(names.layout.process_count))
        there = [
            names.process(number)
            for number, block in blocks
            if block is not None and any(call.function == function for call in block.calls)
        ]
        who = " and ".join(part for part in (", ".join(there[:-1]), *there[-1:]) if part)
        verb = "is" if len(there) == 1 else "are"
        found.append(f"{who or 'nobody'} {verb if who else 'is'} inside of {_short(function)}()")
    return found


def _short(function: str) -> str:
    return function.rpartition(".")[2]
