"""What is owed to whom in a state: the part of liveness that one state tells.

A property of runs that go on is asked for each of its bindings: a value for each parameter. What a
binding is owed is that the property's formula becomes true, or that what it is about is gone. Of
`livelock` and `starvation` the bindings are the processes that have to end, and each is owed its
end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from kmcheck.ir.expr import Expr
from kmcheck.ir.layout import Layout
from kmcheck.ir.program import ENDLESS, LIVENESS, Property
from kmcheck.ir.types import Ref, SetOf, Type, first_code
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.semantics.machine import State
from kmcheck.semantics.operations import members

MOST_BINDINGS = 64
"""Bindings of one property: a bit of a word for each."""


class TooMany(Exception):  # noqa: N818
    """A property has more than `MOST_BINDINGS` bindings."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What a state says of one name: for each binding a bit.

    `owed`: what was to become true is not, and the binding's objects are there. `asked`: the
    obligation begins here, if it has not before: the trigger is true, or the objects are there.
    """

    owed: int
    asked: int


class Obligations:
    """Says what is owed.

    `names` are what is asked, in the order in which it is: `livelock` explains most, `starvation`
    least.
    """

    def __init__(self, layout: Layout, wanted: Callable[[str], bool]) -> None:
        """Take the properties of runs that are wanted.

        Raises:
            TooMany: one of them has too many bindings.
        """
        self.layout = layout
        self.evaluator = Evaluator(layout, None)
        self.properties = {
            p.name: p for p in layout.program.properties if p.when in ENDLESS and wanted(p.name)
        }
        for prop in self.properties.values():
            if bindings_of(layout, prop) > MOST_BINDINGS:
                raise TooMany(prop.name)
        first, last = ((name,) if wanted(name) else () for name in LIVENESS)
        self.names = (*first, *self.properties, *last)
        self.tests = {name: self._test(p) for name, p in self.properties.items()}
        self.ending = tuple(has_to_end(layout))
        if set(self.names) & set(LIVENESS) and len(self.ending) > MOST_BINDINGS:
            raise TooMany("processes")

    def of(self, name: str, state: State) -> Owed:
        """Return what is owed in a state.

        Raises:
            Fault: the property cannot be evaluated.
        """
        if name in self.tests:
            return self.tests[name](state)
        owed = sum(1 << bit for bit, (_, slot) in enumerate(self.ending) if state[slot])
        return Owed(owed, owed)

    def shown(self, name: str, binding: int) -> tuple[int, ...]:
        """Return the values of a binding's parameters, or the number of the process."""
        if name not in self.properties:
            return (self.ending[binding][0],)
        values: list[int] = []
        for first, step, count in reversed(scales(self.layout, self.properties[name])):
            binding, place = divmod(binding, count)
            values.append(first + step * place)
        return tuple(reversed(values))

    def _test(self, prop: Property) -> Callable[[State], Owed]:
        formula = self.evaluator.formula(prop.formula)
        trigger = None if prop.trigger is None else self.evaluator.formula(prop.trigger)
        domains = [self.evaluator.of(domain) for _, _, domain in prop.parameters]
        scale = scales(self.layout, prop)
        cells = self.evaluator.cells

        def values(state: Any) -> Iterator[tuple[int, tuple[int, ...]]]:
            there = [
                members(domain(state, 0), first)
                for domain, (first, _, _) in zip(domains, scale, strict=True)
            ]
            for chosen in product(*there):
                yield bit_of(scale, chosen), chosen

        def test(state: State) -> Owed:
            listed: Any = list(state)
            owed = asked = 0
            for bit, chosen in values(listed):
                for (cell, _, _), value in zip(prop.parameters, chosen, strict=True):
                    cells[cell] = value
                owed |= (not formula(listed, 0)) << bit
                asked |= (trigger is None or bool(trigger(listed, 0))) << bit
            return Owed(owed, asked)

        return test


Scale = tuple[tuple[int, int, int], ...]


def scales(layout: Layout, prop: Property) -> Scale:
    """Return for each parameter its first value, how far apart values are, and how many."""
    return tuple(_scale(layout, domain) for _, _, domain in prop.parameters)


def _scale(layout: Layout, domain: Expr) -> tuple[int, int, int]:
    assert isinstance(domain.type, SetOf)
    element: Type = domain.type.element
    if isinstance(element, Ref):
        return first_code(element), 2, layout.pool(element.kind)
    return first_code(element), 1, layout.universe(element)


def bit_of(scale: Scale, values: tuple[int, ...]) -> int:
    """Return the bit of a binding."""
    bit = 0
    for (first, step, count), value in zip(scale, values, strict=True):
        bit = bit * count + (value - first) // step
    return bit


def bindings_of(layout: Layout, prop: Property) -> int:
    """Return how many bindings a property may have."""
    number = 1
    for _, _, count in scales(layout, prop):
        number *= count
    return number


def has_to_end(layout: Layout) -> Iterator[tuple[int, int]]:
    """Yield the number and the position's slot of each process that is no daemon."""
    for name in layout.processes:
        if layout.program.templates[name].role != "daemon":
            for i in range(layout.instances(name)):
                yield layout.first_process[name] + i, layout.pc[name] + i
