"""Symmetry: the canonical form obeys its laws, and a search that uses it misses nothing."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from pathlib import Path

import pytest

from kmcheck.engines.native import canonical as native
from kmcheck.engines.native.emit import Emitter, Value, i64
from kmcheck.engines.native.orders import plain_changes
from kmcheck.engines.reference import ENGINE
from kmcheck.expected import Expectation
from kmcheck.frontend import compile_spec, read
from kmcheck.ir.layout import Layout
from kmcheck.ir.symmetry import Symmetry
from kmcheck.ir.types import SetOf, Type
from kmcheck.protocols import Question
from kmcheck.reduce.symmetry.sorts import MOST_ORDERS
from kmcheck.replay import replay
from kmcheck.semantics import State, canonical
from kmcheck.semantics.canonical import Canonical, Colours, Edges
from kmcheck.semantics.renaming import Permutation, Renaming
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Finding
from tests.language import source
from tests.random_programs import built
from tests.random_symmetric import generate
from tests.symmetric import (
    SYSTEMS,
    Native,
    group,
    native_of,
    of,
    random,
    reduced_of,
    states_of,
)
from tests.tables import ends

MOST = 1500
IMAGES = 10
BATCHES = 4
EXAMPLES = 12

Form = Callable[[State], State]


def python_of(name: str) -> Canonical:
    system = of(name)
    assert system.symmetry is not None
    return Canonical(system.layout, system.symmetry)


def forms(name: str) -> list[Form]:
    return [python_of(name).of, native_of(name).of]


# --- laws --------------------------------------------------------------------------------------


def assert_laws(name: str, form: Form, count: int = 20) -> None:
    """The form is its own, of the orbit, and that of every image."""
    chance, images = random(name), group(name)
    for state in chance.sample(states_of(name), min(count, len(states_of(name)))):
        found = form(state)
        assert form(found) == found
        chosen = chance.sample(images, min(IMAGES, len(images)))
        assert all(form(image.of(state)) == found for image in chosen)
        if len(images) <= 200:
            assert any(image.of(state) == found for image in images)


@pytest.mark.parametrize("which", [0, 1], ids=["reference", "native"])
@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "five"])
def test_the_form_is_the_same_for_a_whole_orbit(name: str, which: int) -> None:
    assert_laws(name, forms(name)[which])


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "five"])
def test_both_forms_part_states_as_trying_all_permutations_does(name: str) -> None:
    python, machine = forms(name)
    oracle: dict[State, State] = {}
    parts: dict[State, tuple[State, State]] = {}
    for state in states_of(name)[:40]:
        least = min((image.of(state) for image in group(name)), key=comparable)
        found = (python(state), machine(state))
        assert parts.setdefault(least, found) == found
        assert all(oracle.setdefault(form, least) == least for form in set(found))


def comparable(state: State) -> State:
    return tuple(value if isinstance(value, tuple) else (value,) for value in state)


@pytest.mark.parametrize("count", range(1, 8))
def test_plain_changes_go_through_all_orders_and_back(count: int) -> None:
    order = list(range(count))
    seen = set()
    for at in plain_changes(count):
        seen.add(tuple(order))
        order[at], order[at + 1] = order[at + 1], order[at]
    assert order == list(range(count))
    assert len(seen) == len(plain_changes(count)) == (factorial(count) if count > 1 else 0)


def test_machine_code_needs_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all hashes collide, all orders are tried: colours only save time."""
    monkeypatch.setattr("kmcheck.engines.native.colours.key", lambda *_: 0)
    for name in ("friends", "boxes"):
        system = of(name)
        assert system.symmetry is not None
        assert_laws(name, Native(system, system.symmetry).of)


RINGS = ([1, 0, 3, 4, 2], [1, 2, 3, 4, 0])
"""The friend of each of five: a ring of two and one of three, and a ring of five."""


def ring_forms(form: Form) -> list[int]:
    """Return how many forms there are of each of the two graphs, whoever is who in them."""
    layout, found = of("five").layout, []
    for friends in RINGS:
        state = list(of("five").initial[0][1])
        for one, other in enumerate(friends):
            state[layout.fields["Task", "friend"] + one] = other + 1
            state[layout.fields["Task", "fans"] + other] = 1 << one
        found.append({form(image.of(tuple(state))) for image in group("five")})
    assert not found[0] & found[1]
    return [len(each) for each in found]


@pytest.mark.parametrize("which", [0, 1], ids=["reference", "native"])
def test_what_colours_do_not_tell_apart_is_tried_in_all_ways(which: int) -> None:
    assert ring_forms(forms("five")[which]) == [1, 1]


# --- mutants -----------------------------------------------------------------------------------


def broken(name: str, form: Form) -> bool:
    """Tell whether the laws catch a form that is wrong."""
    try:
        assert_laws(name, form, count=400)
    except (AssertionError, KeyError):
        return True
    return False


def test_a_form_that_only_sorts_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def sort(self: Canonical, state: State, colours: Colours, edges: Edges) -> State:
        found = edges.refined(colours)
        orders = [sorted(range(len(own)), key=own.__getitem__) for own in found]
        places = tuple(tuple(order.index(at) for at in range(len(order))) for order in orders)
        return self.renaming(places).of(state)

    monkeypatch.setattr(Canonical, "_least", sort)
    assert broken("friends", python_of("friends").of)


def test_a_form_that_tries_one_way_only_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(self: Canonical, state: State, colours: Colours, *tied: int) -> list[int]:
        number, colour = tied
        return [colours[number].index(colour)]

    assert ring_forms(python_of("five").of) == [1, 1]
    monkeypatch.setattr(Canonical, "_different", first)
    assert ring_forms(python_of("five").of) != [1, 1]


def test_machine_code_that_only_sorts_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: native.Canonical, code: Emitter, one: Value, other: Value) -> Value:
        return code.builder.icmp_unsigned("==", i64(0), i64(0))

    monkeypatch.setattr(native.Canonical, "_same", nothing)
    system = of("friends")
    assert system.symmetry is not None
    assert broken("friends", Native(system, system.symmetry).of)


def test_a_permutation_that_forgets_a_process_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(Renaming):
        def __init__(self, layout: Layout, symmetry: Symmetry, places: Permutation) -> None:
            super().__init__(layout, symmetry, places)
            slot = layout.variables["updater", "before"]
            self.changes = [change for change in self.changes if change[0] != slot]

    monkeypatch.setattr(canonical, "Renaming", Forgetful)
    assert broken("qrcu", python_of("qrcu").of)


def test_a_permutation_that_forgets_sets_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(Renaming):
        def _value(self, kind: Type | None) -> Callable[[object], object]:
            return (lambda value: value) if isinstance(kind, SetOf) else super()._value(kind)

    monkeypatch.setattr(canonical, "Renaming", Forgetful)
    assert broken("qrcu", python_of("qrcu").of)


# --- searches ----------------------------------------------------------------------------------


def search(system: TransitionSystem, most: int | None = None) -> Finding:
    every = Question(every=True)
    return ENGINE.search(system, every, Solver(), Budget(states=most), lambda _: None)


def said(finding: Finding) -> tuple[object, ...]:
    runs = {claim.violation: len(claim.witness.steps) for claim in finding.claims}
    depth = finding.statistics.depth
    return runs, dict(finding.undefined), finding.stopped, finding.complete, depth


def assert_nothing_is_missed(system: TransitionSystem) -> bool:
    """Tell whether there was something to compare."""
    reduced = reduced_of(system)
    if reduced.symmetry is None:
        return False
    plain = search(system, MOST)
    if plain.stopped == f"{MOST:,} states reached":
        return False
    found = search(reduced)
    assert said(found) == said(plain)
    assert found.statistics.states <= plain.statistics.states
    for claim in found.claims:
        replay(system, claim, (), Solver())
    return True


@pytest.mark.parametrize("check", ends()[::3], ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_every_small_spec_violates_the_same(check: Expectation) -> None:
    assert_nothing_is_missed(build(compile_spec(read(check.spec), check.settings), Solver().holds))


@pytest.mark.parametrize("name", ["friends", "boxes"])
def test_what_comes_and_goes_violates_the_same(name: str) -> None:
    system = of(name)
    plain = TransitionSystem(system.program, system.layout, system.initial)
    assert said(search(system)) == said(search(plain))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_symmetric_programs_violate_the_same(batch: int) -> None:
    compared = 0
    for number in range(EXAMPLES):
        found = built(generate(random(100 * batch + number)))
        compared += found is not None and assert_nothing_is_missed(found[0])
    assert compared >= 2


MANY = """
    class Box(Object, limit={boxes}):
        used: bool

    class World(Object):
        n: int

    world = World()

    @process
    def maker() -> None:
        box = Box()
        box.used = True
        free(box)
        box = None

    @setup
    def begin() -> None:
        for _ in range({makers}):
            start(maker)
"""


@pytest.mark.parametrize(
    ("boxes", "makers", "expected"),
    [(7, 7, [7, 7]), (8, 8, [8, 6]), (9, 9, [8]), (8, 9, [8, 6])],
)
def test_there_are_never_more_orders_than_can_be_tried(
    boxes: int, makers: int, expected: list[int]
) -> None:
    text = MANY.replace("{boxes}", str(boxes)).replace("{makers}", str(makers))
    found = reduced_of(build(compile_spec(source(text)), Solver().holds)).symmetry
    assert found is not None
    assert [len(sort.members) for sort in found.sorts] == expected
    assert found.order <= MOST_ORDERS
