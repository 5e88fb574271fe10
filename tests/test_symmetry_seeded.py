"""Whoever leaves out one condition of symmetry misses a violation, or claims one that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from kmcheck.diagnostics import InternalError
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.frontend import compile_spec
from kmcheck.ir.layout import Layout
from kmcheck.ir.symmetry import Sort, Symmetry, Thing
from kmcheck.protocols import Question, Reduced
from kmcheck.reduce import symmetry
from kmcheck.reduce.symmetry.equivariance import Category, Equivariance
from kmcheck.reduce.symmetry.loops import Loops
from kmcheck.replay import replay
from kmcheck.semantics import canonical
from kmcheck.semantics.renaming import Permutation, Renaming
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget
from tests.language import source
from tests.symmetric import reduced_of

LOWEST = """
    class Task(Object):
        first: bool

    class World(Object):
        there: SetOf[Process]
        anyone: bool

    tasks = PerProcess(Task)
    world = World()

    @process(daemon=True)
    def worker() -> None:
        with atomic():
            if not world.anyone:
                mine(tasks).first = True
            world.anyone = True
            world.there.add(me())
        wait_until(False)

    @process
    def judge() -> None:
        with atomic():
            wait_until(len(world.there) == 2)
            last = me()
            for process in each(world.there):
                last = process
            assert {claim}
            last = None

    @setup
    def begin() -> None:
        start(worker)
        start(worker)
        start(judge)
"""
"""The judge asks about whoever has the highest number."""

STOPS = """
    class Node(Object):
        flag: bool

    class Task(Object):
        node: Ref[Node]

    class World(Object):
        there: SetOf[Process]
        good: Ref[Node]

    tasks = PerProcess(Task)
    world = World()

    @process(daemon=True)
    def worker() -> None:
        with atomic():
            mine(tasks).node = world.good
            world.good = None
            world.there.add(me())
        wait_until(False)

    @process
    def judge() -> None:
        with atomic():
            wait_until(len(world.there) == 2)
            assert {claim}

    @setup
    def begin() -> None:
        world.good = Node(flag=True)
        start(worker)
        start(worker)
        start(judge)
"""
"""Of two tasks one has a node: whether the other one's is looked at is a matter of order."""

STARTED = """
    class World(Object):
        done: Annotated[int, range(9)]
        last: Process
        ready: bool

    world = World()

    @process(limit=2)
    def helper() -> None:
        with atomic():
            world.done += 1
            world.last = me()

    @process
    def boss() -> None:
        with atomic():
            wait_until(world.done == 2)
            new = start(helper)
            assert {claim}
            new = None

    @setup
    def begin() -> None:
        start(helper)
        start(helper)
        start(boss)
"""
"""The first helper that has ended is started again: it may be the one that was last, or not."""

GHOSTS = """
    class Box(Object, limit=2):
        used: bool

    class World(Object):
        done: Annotated[int, range(9)]
        old: Ghost[Ref[Box]]

    world = World()

    @process
    def maker() -> None:
        with atomic():
            box = Box()
        with atomic():
            world.done += 1
            free(box)
            with ghost():
                world.old = box
            box = None

    @process
    def judge() -> None:
        with atomic():
            wait_until(world.done == 2)
            new = Box()
            with ghost():
                assert {claim}
            free(new)
            new = None

    @setup
    def begin() -> None:
        start(maker)
        start(maker)
        start(judge)
"""
"""A ghost remembers the box that was freed last, and the lowest of both places is taken again."""

STEPS = """
    class Task(Object):
        n: Annotated[int, range(4)]

    class World(Object):
        tasks: SetOf[Task]

    world = World()

    @process
    def worker(task: Task) -> None:
        for _ in range(3):
            task.n += 1

    @step
    def law() -> bool:
        return {claim}

    @setup
    def begin() -> None:
        for _ in range(2):
            task = Task()
            world.tasks.add(task)
            start(worker, task)
"""
"""Numbers only grow. Where tasks change places from state to state, they seem to sink."""


NAMED = """
    class Task(Object):
        n: Annotated[int, range(3)]

    class World(Object):
        chief: Process

    tasks = PerProcess(Task)
    world = World()

    @process
    def worker() -> None:
        mine(tasks).n += 1
        with atomic():
            wait_until(me() != world.chief or tasks.of(world.chief).n == 1)
            mine(tasks).n += 1

    @always
    def law() -> bool:
        return {claim}

    @setup
    def begin() -> None:
        world.chief = start(worker)
        start(worker)
        start(worker)
"""
"""One of three is named for ever, so that only the others are alike."""


@dataclass(frozen=True)
class Seeded:
    """A condition that is left out, and what depends on it: a spec that is asked in some ways."""

    text: str
    claims: tuple[str, ...]
    leave_out: Callable[[pytest.MonkeyPatch], None]

    def systems(self) -> list[TransitionSystem]:
        """Return the systems."""
        texts = [self.text.replace("{claim}", claim) for claim in self.claims]
        return [build(compile_spec(source(text)), Solver().holds) for text in texts]


def look_no_further(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Equivariance, "look", lambda self: None)


def take_any_loop(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Loops, "_is_unordered", lambda *_: True)


def take_any_quantifier(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Equivariance, "_quantify", lambda *_, formula: None)


def take_what_is_started(patch: pytest.MonkeyPatch) -> None:
    look = Equivariance.look

    def without(self: Equivariance) -> None:
        look(self)
        self.broken -= {Category("process", name) for name in self.changes.spawned}

    patch.setattr(Equivariance, "look", without)


def forget_ghosts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Equivariance, "_look_for_ghosts", lambda self: None)


def take_steps(patch: pytest.MonkeyPatch) -> None:
    def reduce(self: object, system: TransitionSystem, question: Question) -> Reduced:
        return Reduced(replace(system, symmetry=symmetry.symmetry_of(system)))

    patch.setattr(symmetry.OfThings, "reduce", reduce)


class Forgetful(Renaming):
    """Leaves the name of the chief as it is."""

    def __init__(self, layout: Layout, symmetry: Symmetry, places: Permutation) -> None:
        super().__init__(layout, symmetry, places)
        slot = layout.fields["World", "chief"]
        self.changes = [change for change in self.changes if change[0] != slot]


def tell_nobody_apart(patch: pytest.MonkeyPatch) -> None:
    workers = Sort(tuple((Thing("process", "worker", number),) for number in range(3)))
    patch.setattr(symmetry, "symmetry_of", lambda _: Symmetry((workers,)))
    patch.setattr(canonical, "Renaming", Forgetful)


FIRST = ("tasks.of(last).first", "not tasks.of(last).first")
SEEDED = {
    "nothing is looked at": Seeded(LOWEST, FIRST, look_no_further),
    "any loop": Seeded(LOWEST, FIRST, take_any_loop),
    "any quantifier": Seeded(
        STOPS,
        (
            "all(not tasks.of(p).node.flag for p in world.there)",
            "any(tasks.of(p).node.flag for p in world.there)",
        ),
        take_any_quantifier,
    ),
    "what is started": Seeded(
        STARTED, ("new == world.last", "new != world.last"), take_what_is_started
    ),
    "ghosts": Seeded(GHOSTS, ("new == world.old", "new != world.old"), forget_ghosts),
    "one that is named": Seeded(
        NAMED, ("tasks.of(world.chief).n < 2", "tasks.of(world.chief).n < 1"), tell_nobody_apart
    ),
    "steps": Seeded(STEPS, ("all(before(task.n) <= task.n for task in world.tasks)",), take_steps),
}


def is_sound(system: TransitionSystem) -> bool:
    """Tell whether both engines find with the symmetry what is found without it."""
    reduced = reduced_of(system)
    try:
        return all(
            claimed(system, reduced, engine) == claimed(system, system, "reference")
            for engine in ("reference", "native")
        )
    except InternalError:
        return False


def claimed(system: TransitionSystem, searched: TransitionSystem, engine: str) -> dict[str, int]:
    """Return what is violated, and after how many steps; every claim has to be true."""
    of = {"reference": REFERENCE, "native": NATIVE}[engine]
    found = of.search(searched, Question(every=True), Solver(), Budget(), lambda _: None)
    for claim in found.claims:
        replay(system, claim, (), Solver())
    return {claim.violation: len(claim.witness.steps) for claim in found.claims}


@pytest.mark.parametrize("name", SEEDED)
def test_every_condition_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded = SEEDED[name]
    assert all(map(is_sound, seeded.systems()))
    seeded.leave_out(monkeypatch)
    assert not all(map(is_sound, seeded.systems()))


def test_who_is_named_for_ever_is_told_apart() -> None:
    for system in SEEDED["one that is named"].systems():
        found = reduced_of(system).symmetry
        assert found is not None
        assert [(sort.name, len(sort.members)) for sort in found.sorts] == [("worker", 2)]
