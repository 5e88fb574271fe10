"""Laws that every program obeys, on random ones: what is found is found again, and confirmed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.ir.types import (
    ArrayOf,
    Bool,
    EnumType,
    Function,
    Int,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Type,
)
from kmcheck.replay import replay
from kmcheck.semantics import BoundReached, Machine, State
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from tests.random_programs import built, on_random_programs
from tests.spin import explore

BATCHES = 4
EXAMPLES = 50
MOST = 1000
"""States of a random program that is looked at."""

Slot = int | tuple[int, ...]
Law = Callable[[TransitionSystem, Solver], None]


def exploring_again_finds_the_same(whole: TransitionSystem, solver: Solver) -> None:
    assert explore(whole, solver, MOST) == explore(whole, Solver(), MOST)


def replaying_confirms_every_claim(whole: TransitionSystem, solver: Solver) -> None:
    for claim in explore(whole, solver, MOST).claims:
        trace = replay(whole, claim, (), solver)
        assert trace.violation.kind == claim.violation
        assert len(trace.events) == len(claim.witness.steps)


def a_state_has_the_same_successors_each_time(whole: TransitionSystem, solver: Solver) -> None:
    machine, other = (Machine(whole.layout, solver.holds) for _ in range(2))
    for state in reached(whole, machine):
        assert successors(machine, state) == successors(other, state)


def every_value_is_one_of_its_type(whole: TransitionSystem, solver: Solver) -> None:
    layout = whole.layout
    for state in reached(whole, Machine(layout, solver.holds)):
        assert len(state) == layout.size
        for kind, value in zip(layout.types, state, strict=False):
            if kind is not None and value != UNINITIALISED:
                assert fits(layout, kind, value), (kind, value)


def an_address_that_is_not_stale_is_of_a_live_object(
    whole: TransitionSystem, solver: Solver
) -> None:
    layout = whole.layout
    for state in reached(whole, Machine(layout, solver.holds)):
        for kind, value in zip(layout.types, state, strict=False):
            for name, address in addresses(kind, value):
                life = layout.life_slot(name, (address >> 1) - 1)
                assert address & 1 or life is None or state[life]


LAWS: list[Law] = [
    exploring_again_finds_the_same,
    replaying_confirms_every_claim,
    a_state_has_the_same_successors_each_time,
    every_value_is_one_of_its_type,
    an_address_that_is_not_stale_is_of_a_live_object,
]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_programs_obey_the_laws(batch: int) -> None:
    def obey(text: str) -> None:
        found = built(text)
        if found is not None:
            for law in LAWS:
                law(*found)

    on_random_programs(100 + batch, EXAMPLES, obey)


def successors(machine: Machine, state: State) -> list[tuple[object, ...]]:
    """Return the steps from a state, and what they need that there is not."""
    found: list[tuple[object, ...]] = []
    for number in range(len(machine.actors)):
        try:
            for step in machine.steps_of(state, number):
                fault = (step.fault.kind, step.fault.message) if step.fault else None
                found.append((step.process, step.choices, step.state, fault))
        except BoundReached as bound:
            found.append((number, bound.what))
    return found


def reached(whole: TransitionSystem, machine: Machine) -> list[State]:
    """Return the states that are reached, up to a number of them."""
    found = list(dict.fromkeys(state for _, state in whole.initial))
    seen = set(found)
    for state in found:
        for step in successors(machine, state):
            after = step[2] if len(step) > 2 else None
            if isinstance(after, tuple) and after not in seen and len(found) < MOST:
                seen.add(after)
                found.append(after)
    return found


def fits(layout: Layout, kind: Type, value: Slot) -> bool:
    """Tell whether a value is one that a type has."""
    match kind, value:
        case Int(lo, hi), int():
            return lo <= value <= hi
        case EnumType(members=members), int():
            return 0 <= value < len(members)
        case Ref(kind=name), int():
            return value == 0 or 2 <= value < 2 * (layout.pool(name) + 1)
        case ProcessId(), int():
            return 0 <= value <= layout.process_count
        case SetOf(element=element), int():
            once = not isinstance(element, Ref) or not value & value >> 1 & FRESH
            return once and 0 <= value < 1 << layout.universe(element)
        case ListOf(element=element), tuple():
            distinct = len({member | 1 for member in value}) == len(value)
            return distinct and 0 not in value and all(fits(layout, element, v) for v in value)
        case ArrayOf(element=element, length=length), tuple():
            return len(value) == length and all(fits(layout, element, v) for v in value)
        case ((Bool() | Function()), int()):
            return value >= 0
        case _:
            return False


FRESH = sum(1 << bit for bit in range(0, 64, 2))


def addresses(kind: Type | None, value: Slot) -> list[tuple[str, int]]:
    """Return the addresses in a value, each with the kind of object that it is of."""
    match kind, value:
        case Ref(kind=name), int():
            return [(name, value)] if value > 0 else []
        case SetOf(element=Ref(kind=name)), int() if value > 0:
            return [(name, bit + 2) for bit in range(value.bit_length()) if value >> bit & 1]
        case ((ListOf(element=element) | ArrayOf(element=element)), tuple()):
            return [found for member in value for found in addresses(element, member)]
        case _:
            return []
