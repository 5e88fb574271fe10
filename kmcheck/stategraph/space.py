"""All states that a system can get into, and all steps between them, by the reference semantics."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from kmcheck.claims import Clock, Stop
from kmcheck.diagnostics import UsageError
from kmcheck.protocols import Progress
from kmcheck.semantics import Blocked, BoundReached, Fault, Judge, Machine, State, Step
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget

GLANCE = 256
"""States between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Way:
    """A run in the graph: the numbers of its states, who took each step, and the violation."""

    states: tuple[int, ...]
    actors: tuple[int, ...]
    violation: str


@dataclass
class Space:
    """States in the order in which they were found, and the steps between them.

    Step n leads from `sources[n]` to `targets[n]`, taken by `actors[n]`. A step that fails leads to
    minus one, minus the number of its violation in `faults`.
    """

    system: TransitionSystem
    states: list[State] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    actors: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    beginning: int = 0
    """The first so many states are the initial ones."""
    terminal: set[int] = field(default_factory=set)
    """States without a step out of them."""
    failing: dict[int, list[str]] = field(default_factory=dict)
    """The properties that fail in a state, of those that were asked for."""
    expanded: int = 0
    """The first so many states have all their steps."""
    stopped: str = ""
    """Why there may be more states than these; empty if these are all."""
    numbers: dict[State, int] = field(default_factory=dict)
    parents: list[tuple[int, int]] = field(default_factory=list)
    """For each state the one that it was found from, and by whose step; an initial one has none."""
    way: Way | None = None
    """A shortest run to a violation, or the one that was given."""

    def add(self, state: State, depth: int, parent: tuple[int, int]) -> int:
        """Return a state's number; one that is new is put behind the others."""
        number = self.numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.depths.append(depth)
            self.parents.append(parent)
        return number

    def fault(self, kind: str) -> int:
        """Return where steps lead that fail so."""
        if kind not in self.faults:
            self.faults.append(kind)
        return -1 - self.faults.index(kind)

    def path(self, number: int, violation: str, actor: int | None = None) -> Way:
        """Return a shortest run to a state, and one step more that fails if its actor is given."""
        states, actors = [number], []
        while (parent := self.parents[states[-1]])[0] >= 0:
            states.append(parent[0])
            actors.append(parent[1])
        more, last = ((self.fault(violation),), (actor,)) if actor is not None else ((), ())
        return Way((*reversed(states), *more), (*reversed(actors), *last), violation)


class Explorer:
    """An exploration under way."""

    def __init__(
        self,
        system: TransitionSystem,
        solver: Solver,
        wanted: Collection[str],
        budget: Budget,
        report: Callable[[Progress], None],
    ) -> None:
        self.space = Space(system)
        self.machine = Machine(system.layout, solver.holds)
        self.judge = Judge(system.layout, solver.holds)
        self.wanted = wanted
        self.clock = Clock(budget, report)

    def run(self) -> Space:
        """Find states level by level, until there are no more or the budget is used up."""
        space = self.space
        for _, state in self.space.system.initial:
            self._find(state, 0, (-1, -1), None)
        space.beginning = len(space.states)
        try:
            depth = 0
            while space.expanded < len(space.states):
                self.clock.descend(depth)
                for number in range(space.expanded, len(space.states)):
                    self._expand(number, depth)
                depth += 1
        except Stop as stop:
            space.stopped = str(stop)
        return space

    def _expand(self, number: int, depth: int) -> None:
        space, state = self.space, self.space.states[number]
        if number % GLANCE == 0:
            left = len(space.states) - number
            self.clock.look(Progress(len(space.states), left, depth, len(space.sources)))
        before = len(space.sources)
        beyond = False
        for actor in range(len(self.machine.actors)):
            try:
                for step in self.machine.steps_of(state, actor):
                    self._follow(step, number, depth)
            except BoundReached as reached:
                beyond = True
                space.stopped = space.stopped or f"the limit of {reached.what} was reached"
        if len(space.sources) == before and not beyond:
            space.terminal.add(number)
            if not self.judge.all_ended(state):
                self._fail(number, "deadlock")
        if self.judge.all_ended(state) and self.judge.leaked(state) is not None:
            self._fail(number, "leak")
        space.expanded = number + 1

    def _follow(self, step: Step, number: int, depth: int) -> None:
        space = self.space
        if step.fault is not None:
            target = space.fault(step.fault.kind)
            if space.way is None and self._wants(step.fault.kind):
                space.way = space.path(number, step.fault.kind, step.process)
        else:
            assert step.state is not None
            target = self._find(step.state, depth + 1, (number, step.process), space.states[number])
        space.sources.append(number)
        space.targets.append(target)
        space.actors.append(step.process)

    def _find(
        self, state: State, depth: int, parent: tuple[int, int], previous: State | None
    ) -> int:
        space = self.space
        known = len(space.states)
        number = space.add(state, depth, parent)
        found = self.judge.failing(state, previous, steps_only=number != known)
        for prop, _ in found if number == known or self.judge.by_time["step"] else ():
            self._fail(number, prop.name, parent)
        self.clock.count(len(space.states))
        return number

    def _fail(self, number: int, name: str, parent: tuple[int, int] = (-1, -1)) -> None:
        """Take note of what fails in a state, or in the step to it from its `parent`."""
        space = self.space
        names = space.failing.setdefault(number, [])
        names += [name] * (name not in names)
        if space.way is None and self._wants(name):
            space.way = space.path(number, name)
            if parent not in {(-1, -1), space.parents[number]}:
                way = space.path(parent[0], name)
                space.way = Way((*way.states, number), (*way.actors, parent[1]), name)

    def _wants(self, name: str) -> bool:
        return not self.wanted or name in self.wanted


def explore(
    system: TransitionSystem,
    solver: Solver,
    wanted: Collection[str],
    budget: Budget,
    report: Callable[[Progress], None],
) -> Space:
    """Return the states of a system, level by level, as far as the budget goes.

    `wanted` names the violations that a run is shown to; none is all. No reductions: each state
    that there is, is there.
    """
    return Explorer(system, solver, wanted, budget, report).run()


def follow(
    space: Space,
    solver: Solver,
    witness: tuple[int, tuple[tuple[int, tuple[int, ...]], ...]],
    violation: str,
) -> Way:
    """Return a stored run in the graph, with states put behind the others if they are not there.

    Raises:
        UsageError: the run is none of the system's.
    """
    machine = Machine(space.system.layout, solver.holds)
    initial, steps = witness
    wrong = UsageError("the trace is none of this spec's", "was the spec changed? verify it again")
    if initial >= len(space.system.initial):
        raise wrong
    state = space.system.initial[initial][1]
    states = [space.add(state, 0, (-1, -1))]
    for depth, (actor, choices) in enumerate(steps):
        if actor >= len(machine.actors):
            raise wrong
        try:
            state = machine.take(state, actor, choices)
        except (Blocked, BoundReached):
            raise wrong from None
        except Fault as fault:
            number = space.fault(fault.kind)
        else:
            number = space.add(state, depth + 1, (states[-1], actor))
        if states[-1] >= space.expanded:
            space.sources.append(states[-1])
            space.targets.append(number)
            space.actors.append(actor)
        states.append(number)
    return Way(tuple(states), tuple(actor for actor, _ in steps), violation)
