"""The meaning of a program's code: which states a step leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

from kmcheck.diagnostics import Span
from kmcheck.ir.code import END
from kmcheck.ir.exercise import Exercised, marks
from kmcheck.ir.layout import Layout
from kmcheck.residual import Residual
from kmcheck.semantics.addresses import Meaning
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.semantics.faults import Blocked, BoundReached, Fault
from kmcheck.semantics.hearing import Hearing
from kmcheck.semantics.instructions import Instructions, Shared, exit_of
from kmcheck.semantics.lifetimes import Lifetimes, Run
from kmcheck.semantics.oracle import Oracle
from kmcheck.semantics.watch import Watcher

State = tuple[Any, ...]

FUEL = 20_000
"""How many blocks one step may run before it is said never to end."""

SETUP_FUEL = 1_000_000
"""How many blocks setup may run, and members it may look at, over all its choices."""


class Step(NamedTuple):
    """One way on: which process (actions count behind them), which choices, and where to."""

    process: int
    choices: tuple[int, ...]
    state: State | None
    fault: Fault | None


class Runners(dict[str, Run]):
    """What runs each template, made when it is first asked for: setup asks for few."""

    def __init__(self, make: Callable[[str], Run]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, name: str) -> Run:
        """Make what runs a template."""
        run = self[name] = self.make(name)
        return run


class Machine:
    """Executes the steps of a program. `decide` tells whether a residual holds for all sizes."""

    def __init__(
        self, layout: Layout, decide: Callable[[Residual], bool], watcher: Watcher | None = None
    ) -> None:
        self.layout = layout
        self.decide = decide
        self.watcher = watcher
        self.oracle = Oracle()
        self.left = SETUP_FUEL
        self.marks = {name: marks(t) for name, t in layout.program.templates.items()}
        self.noted = {name: bytearray(m.size) for name, m in self.marks.items()}
        """What was ever run of each process, as `ir.exercise` says."""
        self.runners = Runners(self._runner)
        lifetimes = Lifetimes(layout, self.oracle, watcher)
        self.shared = Shared(lifetimes, self.oracle, decide, self.runners, watcher)

    @cached_property
    def actors(self) -> list[tuple[str, int, int, Run]]:
        """Who takes steps: template, instance, where it is, and what runs it; actions are last."""
        layout = self.layout
        found = [
            (name, i, layout.pc[name] + i, self.runners[name])
            for name in layout.processes
            for i in range(layout.instances(name))
        ]
        found += [
            (name, 0, layout.pc[name], self.runners[name])
            for name, t in layout.program.templates.items()
            if t.role == "action"
        ]
        return found

    def successors(self, state: State) -> Iterator[Step]:
        """Yield every step that is enabled in a state, in a fixed order."""
        for number in range(len(self.actors)):
            yield from self.steps_of(state, number)

    def steps_of(self, state: State, number: int) -> Iterator[Step]:
        """Yield the steps of one process or action in a state.

        Raises:
            BoundReached: one of them needs more than there is; the others have been yielded.
        """
        _, instance, slot, run = self.actors[number]
        if not state[slot]:
            return
        plan: tuple[int, ...] | None = ()
        beyond: BoundReached | None = None
        oracle = self.oracle
        while plan is not None:
            oracle.reset(plan)
            after = list(state)
            try:
                run(after, instance)
            except Blocked:
                pass
            except BoundReached as reached:
                beyond = beyond or reached
            except Fault as fault:
                yield Step(number, tuple(oracle.taken), None, fault)
            else:
                yield Step(number, tuple(oracle.taken), tuple(after), None)
            plan = oracle.following() if oracle.taken else None
        if beyond is not None:
            raise beyond

    def possible(self, state: State, number: int) -> list[Step]:
        """Return the steps of one process or action in a state, but those beyond a bound."""
        found: list[Step] = []
        with suppress(BoundReached):
            found.extend(self.steps_of(state, number))
        return found

    def take(self, state: State, number: int, choices: tuple[int, ...]) -> State:
        """Return the state after one given step.

        Raises:
            Blocked: the step is not enabled.
            Fault: the step violates a built-in property.
        """
        _, instance, slot, run = self.actors[number]
        if not state[slot]:
            raise Blocked
        self.oracle.reset(choices)
        after = list(state)
        try:
            run(after, instance)
        except Fault as fault:
            fault.state = tuple(after)
            raise
        return tuple(after)

    def initial(self) -> Iterator[tuple[tuple[int, ...], State | None]]:
        """Yield the states that setup's choices can lead to, None where one leads nowhere."""
        plan: tuple[int, ...] | None = ()
        while plan is not None:
            self.oracle.reset(plan)
            try:
                state: State | None = self.begin(plan)
            except Blocked:
                state = None
            yield tuple(self.oracle.taken), state
            plan = self.oracle.following()

    def exercised(self) -> dict[str, Exercised]:
        """Return what was ever run of each template."""
        return {name: m.split(self.noted[name]) for name, m in self.marks.items()}

    def begin(self, choices: tuple[int, ...]) -> State:
        """Return the state after setup with the given choices."""
        self.oracle.reset(choices)
        blank = list(self.layout.blank)
        for symbol, slot in enumerate(self.layout.lasting_sizes, start=1):
            blank[slot] = symbol
        for name, template in self.layout.program.templates.items():
            if template.role == "action":
                blank[self.layout.pc[name]] = template.entry + 1
        blank[self.layout.pc["setup"]] = self.layout.program.templates["setup"].entry + 1
        self.runners["setup"](blank, 0)
        return tuple(blank[: self.layout.size])

    def _runner(self, name: str) -> Run:
        template = self.layout.program.templates[name]
        evaluator = (
            Evaluator(self.layout, name)
            if self.watcher is None
            else Hearing(self.layout, name, self.watcher)
        )
        if template.role == "setup":
            evaluator.charge = self._charge(template.span)
        trail: list[int] = []
        marked = self.marks[name]
        code = Instructions(name, evaluator, self.shared, trail.append)
        bodies = [
            [code.of(i, marked.options.get((n, at), 0)) for at, i in enumerate(b.instructions)]
            for n, b in enumerate(template.blocks)
        ]
        if self.watcher is not None:
            bodies = [[_told(self.watcher, name, n), *body] for n, body in enumerate(bodies)]
        exits = [
            exit_of(evaluator, b.terminator, trail.append, marked.arm(n, 0))
            for n, b in enumerate(template.blocks)
        ]
        if evaluator.charge is not None:
            exits = [_counted(leave, evaluator.charge) for leave in exits]
        noted = self.noted[name]
        cuts = [b.cut for b in template.blocks]
        position = self.layout.pc[name]
        final = template.entry + 1 if template.role == "action" else 0

        def run(s: list[Any], p: int) -> None:
            begun = len(trail)  # it may be run inside of itself, by a process that starts its like
            try:
                step(s, p)
            except Blocked:
                del trail[begun:]
                raise
            finally:
                for mark in trail[begun:]:
                    noted[mark] = 1
                del trail[begun:]

        def step(s: list[Any], p: int) -> None:
            block = s[position + p] - 1
            for _ in range(FUEL):
                trail.append(block)
                for instruction in bodies[block]:
                    instruction(s, p)
                block = exits[block](s, p)
                if block == END:
                    s[position + p] = final
                    return
                if cuts[block]:
                    s[position + p] = block + 1
                    return
            span = template.blocks[block].span
            raise Fault("endless-step", "a loop inside of one step does not end", span)

        return run

    def _charge(self, span: Span) -> Callable[[int], None]:
        """Return what is told how much setup does, and notices that it is all too much."""

        def charge(amount: int) -> None:
            self.left -= amount
            if self.left < 0:
                message = f"in all its ways together it does more than {SETUP_FUEL:,} things"
                raise Fault("endless-step", message, span)

        return charge


def _told(watcher: Watcher, template: str, block: int) -> Run:
    """Return what tells that a block begins."""
    return lambda s, p: watcher.entered(template, p, block)


def _counted(leave: Meaning, charge: Callable[[int], None]) -> Meaning:
    """Return what leaves a block, which is charged."""

    def leave_and_count(s: list[Any], p: int) -> int:
        charge(1)
        block: int = leave(s, p)
        return block

    return leave_and_count
