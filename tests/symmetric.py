"""Symmetric systems, states of theirs, and everything that permutations make of a state."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice, permutations, product
from pathlib import Path
from random import Random

from llvmlite import ir

from kmcheck.engines.native import canonical as native
from kmcheck.engines.native.compiled import _compile
from kmcheck.engines.native.plan import plan
from kmcheck.frontend import compile_spec, read
from kmcheck.ir.symmetry import Symmetry
from kmcheck.protocols import Question
from kmcheck.reduce.symmetry import REDUCTION
from kmcheck.semantics import BoundReached, Machine, State
from kmcheck.semantics.renaming import Renaming
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from tests.language import source

ROOT = Path(__file__).resolve().parent.parent

FRIENDS = """
    WORKERS = bound(4, "workers")

    class Task(Object):
        friend: Process
        fans: SetOf[Process]

    class World(Object):
        there: SetOf[Process]

    tasks = PerProcess(Task)
    world = World()

    @process(daemon=True)
    def worker() -> None:
        world.there.add(me())
        wait_until(len(world.there) == WORKERS)
        with atomic():
            friend = choose(world.there)
            mine(tasks).friend = friend
            tasks.of(friend).fans.add(me())
            friend = None
        wait_until(False)

    @setup
    def begin() -> None:
        for _ in range(WORKERS):
            start(worker)
"""
"""Any graph in which each has one friend: rings are what colours do not tell apart."""

BOXES = """
    class Box(Object, limit=2):
        size: Size
        next: Ref["Box"]

    class World(Object):
        known: ListOf[Box]
        seen: SetOf[Box]
        latest: Annotated[ArrayOf[Ref[Box]], 2]
        total: Counter

    world = World()

    @process
    def maker() -> None:
        for _ in range(2):
            with atomic():
                box = Box(next=world.latest[0])
                world.known.append(box)
                world.total.add(box.size)
            with atomic():
                world.latest[1] = world.latest[0]
                world.latest[0] = box
                world.seen.add(box)
            with atomic():
                world.known.remove(box)
                world.total.sub(box.size)
                free(box)

    @setup
    def begin() -> None:
        for _ in range(2):
            start(maker)
"""
"""Objects and sizes that come and go, and are named in every way that there is, stale or not."""

CHOSEN = """
    class Task(Object):
        first: bool
        turns: Annotated[int, range(3)]

    class World(Object):
        tasks: SetOf[Task]

    world = World()

    @process
    def worker(task: Task) -> None:
        for _ in range(2):
            task.turns += 1
        with atomic():
            wait_until(not task.first)
            task.first = True

    @setup
    def begin() -> None:
        for _ in range(3):
            task = Task()
            world.tasks.add(task)
            start(worker, task)
        unlucky = choose(world.tasks)
        unlucky.first = True
"""
"""Several beginnings, all of one orbit: one of three has been first, and waits for ever."""

SYSTEMS: dict[str, tuple[str, dict[str, int | bool | str]]] = {
    "qrcu": ("specs/classic/qrcu.py", {"READERS": 3, "UPDATERS": 2}),
    "flagship": ("specs/kmemcg/reparent_caches.py", {"FREERS": 3}),
    "two_caches": ("specs/kmemcg/reparent_caches.py", {"FREERS": 2, "CACHES": 2}),
    "managers": ("specs/classic/two_phase_commit.py", {}),
    "page_owner": ("specs/kmemcg/page_owner.py", {}),
    "readers": ("specs/classic/readers_writers.py", {}),
    "friends": (FRIENDS, {}),
    "five": (FRIENDS, {"WORKERS": 5}),
    "boxes": (BOXES, {}),
    "chosen": (CHOSEN, {}),
}


@cache
def of(name: str) -> TransitionSystem:
    """Return a system with its symmetry."""
    text, settings = SYSTEMS[name]
    spec = read(str(ROOT / text)) if text.endswith(".py") else source(text)
    reduced = reduced_of(build(compile_spec(spec, settings), Solver().holds))
    assert reduced.symmetry is not None
    return reduced


def reduced_of(system: TransitionSystem) -> TransitionSystem:
    """Return a system with its symmetry, if it has one."""
    return REDUCTION.reduce(system, Question()).system


@cache
def states_of(name: str, most: int = 400) -> list[State]:
    """Return states of a system, from everywhere among the first that are reached."""
    found = list(islice(reached(of(name)), 4000))
    return found if len(found) <= most else random(1).sample(found, most)


def reached(system: TransitionSystem) -> Iterator[State]:
    """Yield the states of a system, breadth first."""
    machine = Machine(system.layout, Solver().holds)
    ahead = list(dict.fromkeys(state for _, state in system.initial))
    seen = set(ahead)
    for state in ahead:
        yield state
        for actor in range(len(machine.actors)):
            try:
                after = [s.state for s in machine.steps_of(state, actor) if s.state is not None]
            except BoundReached:
                continue
            ahead += [s for s in dict.fromkeys(after) if s not in seen]
            seen.update(after)


@cache
def group(name: str) -> list[Renaming]:
    """Return all permutations of a system's symmetry."""
    system = of(name)
    assert system.symmetry is not None
    sizes = [range(len(sort.members)) for sort in system.symmetry.sorts]
    return [
        Renaming(system.layout, system.symmetry, places)
        for places in product(*(permutations(size) for size in sizes))
    ]


def random(seed: int | str) -> Random:
    """Return random choices that are the same every time."""
    return Random(seed)  # noqa: S311 - nothing is secret


@dataclass
class Native:
    """The canonical form as machine code computes it: of a state, its words."""

    system: TransitionSystem
    symmetry: Symmetry
    canonical: Callable[[int], None] = field(init=False)

    def __post_init__(self) -> None:
        """Compile it."""
        self.packing = plan(self.system.layout, [state for _, state in self.system.initial], {})
        module = ir.Module("test")
        native.Canonical(module, self.packing, self.symmetry)
        self.engine = _compile(str(module), speed=0)
        address = self.engine.get_function_address("canonical")
        self.canonical = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    def of(self, state: State) -> State:
        """Return the canonical form of a state."""
        words = (ctypes.c_uint64 * self.packing.words)(*self.packing.pack(state))
        self.canonical(ctypes.addressof(words))
        return self.packing.unpack(list(words))


@cache
def native_of(name: str) -> Native:
    """Return the machine code of a system."""
    system = of(name)
    assert system.symmetry is not None
    return Native(system, system.symmetry)
