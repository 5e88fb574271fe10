"""Which variables multiply a state space: by how much it shrinks where one is looked away from.

Of a space that is too large to explore, that tells what to make smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kmcheck.ir.layout import Layout
from kmcheck.semantics import State
from kmcheck.verdict import Multiplied, Multiplier

SAMPLE = 1 << 14
"""States that are looked at."""

LEAST = 1.05
"""A variable that multiplies by less is not worth a word."""

MOST = 3
"""Variables that are named."""

Slots = list[tuple[int, int]]
"""Where in a state something is: from each first number on, so many."""


def sampled(states: int) -> range:
    """Return which of the states found are looked at: all, or as many from the middle of them.

    States are numbered as they were found. Those that differ in one variable only were often found
    one soon after the other: a sample from here and there would hardly have two of them.
    """
    if states <= SAMPLE:
        return range(states)
    first = (states - SAMPLE) // 2
    return range(first, first + SAMPLE)


def multiplied(layout: Layout, sample: Iterable[State], states: int) -> Multiplied:
    """Return which variables multiply a space most, given the states of it that `sampled` names.

    A variable is one of all instances of a process, or a field of all objects of a kind. Its factor
    is how many states there are in the sample for each that is left when it is taken away.
    """
    known = list(dict.fromkeys(sample))
    factors = _factors(known, groups(layout))
    found = sorted((Multiplier(n, f) for n, f in factors if f >= LEAST), key=lambda m: -m.factor)
    return Multiplied(tuple(found[:MOST]), len(known) if states > SAMPLE else 0)


def _factors(states: Sequence[State], where: dict[str, Slots]) -> list[tuple[str, float]]:
    """Return the factor of each group that is not always the same.

    A state is numbered in a mixed radix system, with a digit for each group.
    """
    numbers, base = [0] * len(states), 1
    digits: dict[str, list[int]] = {}
    for name, slots in where.items():
        seen: dict[tuple[object, ...], int] = {}
        values = (tuple(state[a : a + n] for a, n in slots) for state in states)
        digit = [base * seen.setdefault(value, len(seen)) for value in values]
        if len(seen) > 1:
            digits[name] = digit
            numbers = [number + d for number, d in zip(numbers, digit, strict=True)]
            base *= len(seen)
    return [
        (name, len(states) / len({n - d for n, d in zip(numbers, digit, strict=True)}))
        for name, digit in digits.items()
    ]


def groups(layout: Layout) -> dict[str, Slots]:
    """Return where all variables are, by the names that the spec has for them.

    How far a process is, with what it keeps between the steps of one expression, is its progress.
    """
    found: dict[str, Slots] = {}

    def add(name: str, first: int, count: int) -> None:
        if count:
            found.setdefault(name, []).append((first, count))

    for name, template in layout.program.templates.items():
        if template.role == "setup":
            continue
        process, count = name.rpartition(".")[2], layout.instances(name)
        add(f"the progress of {process}", layout.pc[name], count)
        for variable in template.variables:
            add(_called(process, variable), layout.variables[name, variable], count)
    for kind, declared in layout.program.kinds.items():
        add(f"the lives of {kind}", layout.life[kind], layout.dynamic(kind).count)
        for field in declared.fields:
            add(f"{kind}.{field}", layout.fields[kind, field], layout.pool(kind))
    return found


def _called(process: str, variable: str) -> str:
    """Return what a variable is called: that of a function that is called, with the function."""
    name, _, function = variable.partition("@")
    if name:
        inside = function.rstrip("'").rpartition(".")[2]
        return ".".join(part for part in (process, inside, name.rstrip("'")) if part)
    return f"{process}.cpu" if variable == "@cpu" else f"the progress of {process}"
