"""The reference engine: breadth first over the semantics itself, and nothing else.

Slow, obvious and exact: every other engine and every reduction is measured against it.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kmcheck.ir.code import Branch
from kmcheck.ir.expr import Const, Op
from kmcheck.ir.program import Property
from kmcheck.ir.types import Function
from kmcheck.protocols import Engine, Progress, Question
from kmcheck.semantics import BoundReached, Fault, Judge, Machine, State, Step, Undecided
from kmcheck.solver import Solver
from kmcheck.solver import Undecided as SolverUndecided
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Claim, Finding, Statistics, Unexercised, Witness

GLANCE = 1024
"""States between two looks at the clock, the memory and the screen."""


Origin = tuple[int, int, tuple[int, ...]]


class Stop(Exception):  # noqa: N818
    """The search ends here: the text says why, None that the question is answered."""

    def __init__(self, why: str | None) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Search:
    """A breadth-first search under way. A state's number is the order in which it was found."""

    system: TransitionSystem
    question: Question
    solver: Solver
    budget: Budget
    report: Callable[[Progress], None]
    machine: Machine = field(init=False)
    judge: Judge = field(init=False)
    numbers: dict[State, int] = field(default_factory=dict)
    parents: list[Origin] = field(default_factory=list)
    """For each state: its parent's number, and the process and choices of the step from there.

    An initial state has no parent: it has minus its place among them, minus one.
    """
    claims: dict[str, Claim] = field(default_factory=dict)
    later: dict[str, Claim] = field(default_factory=dict)
    """Claims whose run is a step longer than the level that is being expanded."""
    bounds: set[str] = field(default_factory=set)
    beyond: set[str] = field(default_factory=set)
    """Violations that runs have ended in: what would come behind them is not explored."""
    undefined: dict[str, str] = field(default_factory=dict)
    """Properties that cannot be evaluated everywhere, and what goes wrong."""
    transitions: int = 0
    terminal: int = 0
    depth: int = 0
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Compile the program for the machine and the judge."""
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)

    def run(self) -> Finding:
        """Explore until the question is answered or the budget is used up."""
        stopped: str | None = None
        complete = False
        try:
            self._levels()
            complete = True
        except Stop as stop:
            stopped = stop.why
        except (Undecided, SolverUndecided) as undecided:
            stopped = f"a comparison depends on the sizes: {undecided}"
        except MemoryError:
            stopped = "out of memory"
        except KeyboardInterrupt:
            stopped = "interrupted"
        if stopped is None and self.bounds:
            stopped = "bound reached: " + ", ".join(sorted(self.bounds))
            complete = False
        if complete and self.beyond:
            stopped = "runs are not followed beyond " + ", ".join(sorted(self.beyond))
            complete = False
        claims, undefined = tuple(self.claims.values()), tuple(self.undefined.items())
        return Finding(claims, complete, stopped, self._statistics(), undefined)

    def _levels(self) -> None:
        level: list[State] = []
        for number, (_, state) in enumerate(self.system.initial):
            if state not in self.numbers:
                self._find(state, None, (-number - 1, 0, ()), level)
        self._settle()
        while level:
            if self.budget.depth is not None and self.depth >= self.budget.depth:
                raise Stop(f"depth {self.budget.depth} reached")
            following: list[State] = []
            for done, state in enumerate(level):
                self._expand(state, following)
                if done % GLANCE == 0:
                    self._look_around(len(level) - done + len(following))
            self._settle()
            if following:
                self.depth += 1
            level = following

    def _find(
        self, state: State, previous: State | None, origin: Origin, level: list[State]
    ) -> None:
        self.numbers[state] = len(self.parents)
        self.parents.append(origin)
        level.append(state)
        if self.budget.states is not None and len(self.parents) > self.budget.states:
            raise Stop(f"{self.budget.states:,} states reached")
        self._judge(state, previous, len(self.parents) - 1)

    def _judge(self, state: State, previous: State | None, number: int) -> None:
        for prop, fault in self.judge.failing(state, previous):
            self._fail(prop, fault, self._witness(number))

    def _fail(self, prop: Property, fault: Fault | None, run: Witness) -> None:
        """Claim that a property does not hold, or cannot be evaluated."""
        if fault is None:
            self._claim(prop.name, run)
            return
        self.undefined.setdefault(prop.name, fault.kind)
        wanted = self.question.wanted
        if wanted is None or wanted & {prop.name, fault.kind}:
            self.later.setdefault(fault.kind, Claim(fault.kind, run))

    def _expand(self, state: State, level: list[State]) -> None:
        number = self.numbers[state]
        enabled = False
        for actor in range(len(self.machine.actors)):
            try:
                for step in self.machine.steps_of(state, actor):
                    enabled = True
                    self._follow(state, number, step, level)
            except BoundReached as reached:
                enabled = True
                self.bounds.add(reached.what)
        if not enabled:
            self.terminal += 1
            if not self.judge.all_ended(state):
                self._claim("deadlock", self._witness(number), now=True)
        if self.judge.all_ended(state) and self.judge.leaked(state) is not None:
            self._claim("leak", self._witness(number), now=True)

    def _follow(self, state: State, number: int, step: Step, level: list[State]) -> None:
        self.transitions += 1
        if step.fault is not None:
            run = self._witness(number)
            self.beyond.add(step.fault.kind)
            self._claim(
                step.fault.kind, Witness(run.initial, (*run.steps, (step.process, step.choices)))
            )
        elif step.state is not None:
            if step.state not in self.numbers:
                self._find(step.state, state, (number, step.process, step.choices), level)
            elif self.judge.by_time["step"]:
                self._judge_step(step.state, step, state, number)

    def _judge_step(self, known: State, step: Step, state: State, number: int) -> None:
        """Judge a step to a known state: only properties of steps can fail anew."""
        for prop, fault in self.judge.failing(known, state, steps_only=True):
            run = self._witness(number)
            run = Witness(run.initial, (*run.steps, (step.process, step.choices)))
            self._fail(prop, fault, run)

    def _claim(self, violation: str, witness: Witness, *, now: bool = False) -> None:
        wanted = self.question.wanted
        if wanted is None or violation in wanted:
            (self.claims if now else self.later).setdefault(violation, Claim(violation, witness))

    def _settle(self) -> None:
        """End a level: what was found on it counts, shortest first."""
        for name, claim in self.later.items():
            if self.claims and not self.question.every:
                break
            self.claims.setdefault(name, claim)
        self.later.clear()
        if self.claims and not self.question.every:
            first = next(iter(self.claims))
            self.claims = {first: self.claims[first]}
            raise Stop(None)

    def _witness(self, number: int) -> Witness:
        steps = []
        while number >= 0:
            parent, process, choices = self.parents[number]
            if parent >= 0:
                steps.append((process, choices))
            number = parent
        return Witness(-number - 1, tuple(reversed(steps)))

    def _look_around(self, frontier: int) -> None:
        self.report(Progress(len(self.parents), frontier, self.depth, self.transitions))
        if (
            self.budget.seconds is not None
            and time.monotonic() - self.started > self.budget.seconds
        ):
            raise Stop(f"{self.budget.seconds:g} seconds are over")
        if self.budget.bytes is not None and resident() > self.budget.bytes:
            raise Stop(f"{self.budget.bytes / 2**30:.3g} GiB of memory are used")

    def _statistics(self) -> Statistics:
        return Statistics(
            states=len(self.parents),
            transitions=self.transitions,
            depth=self.depth,
            terminal_states=self.terminal,
            judged=dict(self.judge.judged),
            unexercised=unexercised(self.machine),
            bound_reached=tuple(sorted(self.bounds)),
        )


def resident() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def unexercised(machine: Machine) -> tuple[Unexercised, ...]:
    """Return the steps and arms of branches in the spec's own files that were never run.

    A line that is inlined in several places counts as run if any of them was.
    """
    program = machine.layout.program
    seen = {("is never started", span): False for _, span in program.idle}
    for name, template in program.templates.items():
        if template.role == "setup":
            continue
        if not any(machine.entered[name]):
            seen["is never started", template.span] = False
            continue
        for number, block in enumerate(template.blocks):
            run = bool(machine.entered[name][number])
            if block.cut and not block.span.source.module:
                seen["step", block.span] = seen.get(("step", block.span), False) or run
            if isinstance(block.terminator, Branch) and run and _is_written(block.terminator):
                span = block.terminator.span
                for arm, what in enumerate(("is never true", "is never false")):
                    taken = bool(machine.taken[name][2 * number + arm])
                    seen[what, span] = seen.get((what, span), False) or taken
    missing = [Unexercised(what, span) for (what, span), run in seen.items() if not run]
    return tuple(
        sorted(missing, key=lambda u: (u.span.source.path, u.span.line, u.span.column, u.what))
    )


def _is_written(branch: Branch) -> bool:
    """Tell whether a branch is the spec's: a call through a field tries one function after another.

    The functions that it never comes to are told by their own steps.
    """
    test = branch.condition
    which = test.args[-1] if isinstance(test, Op) else None
    tries = isinstance(which, Const) and isinstance(which.type, Function) and which.value != 0
    return not tries and not branch.span.source.module


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
        """Explore breadth first with the semantics itself."""
        return Search(system, question, solver, budget, report).run()


ENGINE: Engine = Reference()
