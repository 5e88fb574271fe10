"""The reference engine: breadth first over the semantics itself, and nothing else.

Slow, obvious and exact: every other engine and every reduction is measured against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from kmcheck.claims import Claims, Clock
from kmcheck.diagnostics import UsageError
from kmcheck.exercised import unexercised, unmet
from kmcheck.liveness import Source, Steps, fairness, judge_runs, told
from kmcheck.multiplies import multiplied, sampled
from kmcheck.protocols import Engine, Progress, Question
from kmcheck.races import judge_races
from kmcheck.semantics import BoundReached, Judge, Machine, State, Step
from kmcheck.semantics.canonical import Canonical
from kmcheck.semantics.stubborn import Chooser
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.truth import representatives, true_run
from kmcheck.verdict import Budget, Claim, Finding, Multiplied, Statistics, Witness

GLANCE = 1024
"""States between two looks at the clock, the memory and the screen."""


Origin = tuple[int, int, tuple[int, ...]]


@dataclass(slots=True)
class Search:
    """A breadth-first search under way. A state's number is the order in which it was found.

    With a symmetry only canonical forms are kept, and the steps that led to them are found again
    when a run is told.
    """

    system: TransitionSystem
    question: Question
    solver: Solver
    budget: Budget
    report: Callable[[Progress], None]
    machine: Machine = field(init=False)
    judge: Judge = field(init=False)
    going: Callable[[State], Iterable[int]] = field(init=False)
    """Whose steps are explored from a state."""
    numbers: dict[State, int] = field(default_factory=dict)
    parents: list[Origin] = field(default_factory=list)
    """For each state: its parent's number, and the process and choices of the step from there.

    An initial state has no parent: it has minus its place among them, minus one.
    """
    transitions: int = 0
    terminal: int = 0
    depth: int = 0
    claims: Claims = field(init=False)
    clock: Clock = field(init=False)
    canonical: Callable[[State], State] = field(init=False)
    steps: Steps | None = field(init=False, default=None)
    """All steps, if runs that never end are asked for."""

    def __post_init__(self) -> None:
        """Compile the program for the machine and the judge."""
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)
        everybody = range(len(self.machine.actors))
        self.going = lambda _: everybody
        if self.system.stubborn is not None:
            self.going = Chooser(self.machine, self.system.stubborn).actors_of
        self.claims = Claims(self.question, alike=self.system.symmetry is not None)
        self.clock = Clock(self.budget, self.report)
        self.steps = Steps() if self.question.endless else None
        symmetry = self.system.symmetry
        self.canonical = Canonical(self.system.layout, symmetry).of if symmetry else _itself

    def run(self) -> Finding:
        """Explore until the question is answered or the budget is used up."""
        finding = self.claims.finding(self._levels, self._statistics)
        if self.system.symmetry is None:
            return finding
        return replace(finding, claims=tuple(map(self._true, finding.claims)))

    def _true(self, claim: Claim) -> Claim:
        """Return a claim whose run is one of true identities."""
        number, steps = claim.witness.initial, claim.witness.steps
        initial = self.system.initial[number][1]
        run, fault = representatives(self.machine, self.canonical, initial, steps)
        found = true_run(self.machine, self.canonical, initial, run, fault)
        return Claim(claim.violation, Witness(number, found))

    def _levels(self) -> None:
        level: list[State] = []
        for number, (_, true) in enumerate(self.system.initial):
            state = self.canonical(true)
            if state not in self.numbers:
                self._find(state, None, (-number - 1, 0, ()), level)
        self.claims.settle()
        while level:
            self.clock.descend(self.depth)
            following: list[State] = []
            for done, state in enumerate(level):
                if done % GLANCE == 0:
                    self._look_around(len(level) - done + len(following))
                self._expand(state, following)
            self.claims.settle()
            if following:
                self.depth += 1
            level = following
        if self.question.races:
            look = lambda: self._look_around(0)  # noqa: E731 - one word for it
            judge_races(self.claims, self.machine, list(self.numbers), self._witness, look)
        if self.steps is not None:
            self._judge_runs(self.steps)

    def _judge_runs(self, steps: Steps) -> None:
        """Judge the runs that never end, now that all states and steps are known."""
        states = list(self.numbers)
        beginning = sum(1 for parent, _, _ in self.parents if parent < 0)
        counted = judge_runs(
            self.claims,
            self.machine,
            Source(states.__getitem__, self._witness),
            lambda: steps.graph(beginning, fairness(self.machine)),
            lambda wanted: told(wanted, states),
        )
        self.judge.judged.update(counted)

    def _find(
        self, state: State, previous: State | None, origin: Origin, level: list[State]
    ) -> None:
        self.numbers[state] = len(self.parents)
        self.parents.append(origin)
        level.append(state)
        self.clock.count(len(self.parents))
        self._judge(state, previous, len(self.parents) - 1)

    def _judge(self, state: State, previous: State | None, number: int) -> None:
        for prop, fault in self.judge.failing(state, previous):
            self.claims.fail(prop, fault, self._witness(number))

    def _expand(self, state: State, level: list[State]) -> None:
        number = self.numbers[state]
        if self.steps is not None:
            self.steps.expand()
        enabled = False
        for actor in self.going(state):
            try:
                for step in self.machine.steps_of(state, actor):
                    enabled = True
                    self._follow(state, number, step, level)
            except BoundReached as reached:
                enabled = True
                self.claims.bounds.add(reached.what)
        if not enabled:
            self.terminal += 1
            if not self.judge.all_ended(state):
                self.claims.claim("deadlock", self._witness(number), now=True)
        if self.judge.all_ended(state) and self.judge.leaked(state) is not None:
            self.claims.claim("leak", self._witness(number), now=True)

    def _follow(self, state: State, number: int, step: Step, level: list[State]) -> None:
        self.transitions += 1
        if step.fault is not None:
            self.claims.beyond.add(step.fault.kind)
            self.claims.claim(step.fault.kind, self._witness(number, step))
        elif step.state is not None:
            after = self.canonical(step.state)
            if after not in self.numbers:
                self._find(after, state, (number, step.process, step.choices), level)
            elif self.judge.by_time["step"]:
                self._judge_step(step.state, step, state, number)
            if self.steps is not None:
                self.steps.take(step.process, self.numbers[after])

    def _judge_step(self, known: State, step: Step, state: State, number: int) -> None:
        """Judge a step to a known state: only properties of steps can fail anew."""
        for prop, fault in self.judge.failing(known, state, steps_only=True):
            self.claims.fail(prop, fault, self._witness(number, step))

    def _witness(self, number: int, last: Step | None = None) -> Witness:
        """Return the run to a state, and one step more if one is given."""
        steps = [] if last is None else [(last.process, last.choices)]
        while number >= 0:
            parent, process, choices = self.parents[number]
            if parent >= 0:
                steps.append((process, choices))
            number = parent
        return Witness(-number - 1, tuple(reversed(steps)))

    def _look_around(self, frontier: int) -> None:
        self.clock.look(Progress(len(self.parents), frontier, self.depth, self.transitions))

    def _statistics(self) -> Statistics:
        ran = self.machine.exercised()
        return Statistics(
            states=len(self.parents),
            transitions=self.transitions,
            depth=self.depth,
            terminal_states=self.terminal,
            judged=dict(self.judge.judged),
            unexercised=unexercised(self.system.program, ran),
            bound_reached=tuple(sorted(self.claims.bounds)),
            exercised=ran,
            unmet=unmet(self.system.program, self.judge.looked, self.judge.judged),
            multiplied=self._multiplied() if self.claims.given_up else Multiplied(),
        )

    def _multiplied(self) -> Multiplied:
        which = sampled(len(self.numbers))
        sample = islice(self.numbers, which.start, which.stop)
        return multiplied(self.system.layout, sample, len(self.numbers))


def _itself(state: State) -> State:
    return state


class Reference:
    """The engine on the shelf."""

    name = "reference"

    def search(
        self,
        system: TransitionSystem,
        question: Question,
        solver: Solver,
        budget: Budget,
        report: Callable[[Progress], None],
    ) -> Finding:
        """Explore breadth first with the semantics itself.

        Raises:
            UsageError: checkpoints, files or fingerprints are wanted, which this engine has not.
        """
        if budget.spill:
            raise UsageError("the reference engine keeps all in memory", "use --engine native")
        if budget.compact:
            raise UsageError("the reference engine remembers whole states", "use --engine native")
        if budget.checkpoints.keep or budget.checkpoints.resume:
            raise UsageError("the reference engine keeps no checkpoints", "use --engine native")
        return Search(system, question, solver, budget, report).run()


ENGINE: Engine = Reference()
