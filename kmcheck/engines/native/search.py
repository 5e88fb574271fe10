"""A search with machine code: Python takes the levels, what is found, and what is asked."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from kmcheck.claims import Claims, Clock, unexercised
from kmcheck.engines.native.compiled import Compiled
from kmcheck.engines.native.context import BREAKS, DEADLOCK, FAILS, JUDGED, LEAK, REACHES
from kmcheck.engines.native.emit import FAULT, UNDECIDED, WIDEN
from kmcheck.engines.native.packing import Narrow, Packing, Widths
from kmcheck.engines.native.plan import plan
from kmcheck.engines.native.states import States
from kmcheck.ir.code import Check
from kmcheck.ir.program import Property
from kmcheck.protocols import Progress, Question
from kmcheck.semantics import BoundReached, Judge, Machine, State, Step
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Finding, Statistics, Witness

CHUNK = 1 << 15
"""States between two looks at the clock, the memory and the screen."""

LASTING = 1 << 17
"""States from which on optimised code is worth its compilation."""


class Search:
    """A breadth-first search: begun again with wider cells when a value does not fit."""

    def __init__(
        self,
        system: TransitionSystem,
        question: Question,
        solver: Solver,
        budget: Budget,
        report: Callable[[Progress], None],
    ) -> None:
        self.system = system
        self.question = question
        self.solver = solver
        self.clock = Clock(budget, report)

    def run(self) -> Finding:
        """Explore until the question is answered or the budget is used up."""
        initial = [state for _, state in self.system.initial]
        widths: Widths = {}
        while True:
            try:
                packing = plan(self.system.layout, initial, widths)
                return Exploration(self, packing).run()
            except Narrow as narrow:
                widths[narrow.key] = widths.get(narrow.key, 0) + 1


class Exploration:
    """A search with one packing."""

    def __init__(self, search: Search, packing: Packing) -> None:
        self.system = search.system
        self.solver = search.solver
        self.clock = search.clock
        self.packing = packing
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)
        self.claims = Claims(search.question)
        self.compiled = Compiled(packing, speed=0)
        self.run_before: list[Compiled] = []
        self.states = States(packing, self.machine, self.compiled.sorts)
        self.evaluators: dict[str, Evaluator] = {}
        self.error: BaseException | None = None
        self.depth = 0
        self._grow = ctypes.CFUNCTYPE(None)(self._grown)
        words, number = ctypes.POINTER(ctypes.c_uint64), ctypes.c_int64
        self._ask = ctypes.CFUNCTYPE(number, number, words, number)(self._asked)
        for name, function in (("grow", self._grow), ("ask", self._ask)):
            self.states[name] = ctypes.cast(function, ctypes.c_void_p).value or 0

    def run(self) -> Finding:
        """Explore until the question is answered or the budget is used up.

        Raises:
            Narrow: a cell is too narrow.
        """
        before = self.solver.stood_for
        try:
            return self.claims.finding(self._levels, self._statistics)
        finally:
            self.solver.stood_for = before + self.states["stood_for"]
            self.states.close()

    # --- the levels ----------------------------------------------------------------------------

    def _levels(self) -> None:
        states = self.states
        for number, (_, state) in enumerate(self.system.initial):
            if states.add(self.compiled, state):
                states.origins.append(number)
            self._raise()
        self._settle()
        while states["next"] < states["states"]:
            self.clock.descend(self.depth)
            end = states["states"]
            self._level(end)
            self._settle()
            if states["states"] > end:
                self.depth += 1

    def _level(self, end: int) -> None:
        states = self.states
        while states["next"] < end:
            self._look_around()
            self._speed_up()
            states["until"] = min(end, states["next"] + CHUNK)
            self.compiled.search(states.at)
            self._raise()

    def _look_around(self) -> None:
        found, done = self.states["states"], self.states["next"]
        self.clock.look(Progress(found, found - done, self.depth, self.states["transitions"]))
        self.clock.count(found)

    def _speed_up(self) -> None:
        """Compile again, with optimisation, once the search is worth it."""
        if not self.run_before and self.states["states"] > LASTING:
            self.run_before.append(self.compiled)
            self.compiled = self.compiled.faster()

    def _raise(self) -> None:
        """Raise what machine code stopped for."""
        stop = self.states["stop"]
        if not stop:
            return
        if self.error is not None:
            raise self.error
        if stop == WIDEN:
            raise Narrow(self.compiled.faults.widened[self.states.context[0]])
        if stop == UNDECIDED:
            self._undecided()
        raise AssertionError(stop)

    def _undecided(self) -> None:
        """Let the reference meet the comparison that depends on sizes, and say where it is."""
        number, actor = self.states["where"], self.states["actor"]
        state = self.states.state(number)
        if actor >= 0:
            list(self.machine.steps_of(state, actor))
        else:
            list(self.judge.failing(state, self.states.previous(number)))
        raise AssertionError(state)

    # --- what is found -------------------------------------------------------------------------

    def _settle(self) -> None:
        """End a level: what was found on it counts, shortest first."""
        for sort, what, status, number, actor, _ in self.states.happened():
            if sort == REACHES:
                self.claims.bounds.add(self.compiled.faults.bounds[what])
            elif sort in (DEADLOCK, LEAK):
                name = "deadlock" if sort == DEADLOCK else "leak"
                self.claims.claim(name, self.states.run(number), now=True)
            elif sort == FAILS:
                self._failed(number, actor, self.compiled.faults.violations[status - FAULT])
            else:
                self._broken(self.system.program.properties[what], number, sort)
        self.claims.settle()

    def _failed(self, number: int, actor: int, violation: str) -> None:
        """Let the reference take the step that fails, and claim what it says."""
        run = self.states.run(number)
        with suppress(BoundReached):
            for step in self.machine.steps_of(self.states.state(number), actor):
                if step.fault is not None and step.fault.kind == violation:
                    self.claims.beyond.add(violation)
                    steps = (*run.steps, (step.process, step.choices))
                    self.claims.claim(violation, Witness(run.initial, steps))
                    return
        raise AssertionError(violation)

    def _broken(self, prop: Property, number: int, sort: int) -> None:
        """Let the reference judge a state, or the steps out of one, and claim what it says."""
        state, run = self.states.state(number), self.states.run(number)
        if sort == BREAKS:
            for found, fault in self.judge.failing(state, self.states.previous(number)):
                if found == prop:
                    self.claims.fail(prop, fault, run)
                    return
        for step in self._steps(state):
            if step.state is not None:
                for found, fault in self.judge.failing(step.state, state, steps_only=True):
                    if found == prop:
                        steps = (*run.steps, (step.process, step.choices))
                        self.claims.fail(prop, fault, Witness(run.initial, steps))
                        return
        raise AssertionError(prop.name)

    def _steps(self, state: State) -> Iterator[Step]:
        """Yield the steps out of a state that stay within the bounds."""
        for actor in range(len(self.machine.actors)):
            with suppress(BoundReached):
                yield from self.machine.steps_of(state, actor)

    # --- what machine code asks for ------------------------------------------------------------

    def _grown(self) -> None:
        try:
            self.states.grow(self.compiled)
        except BaseException as error:  # noqa: BLE001 - it is raised behind the machine code
            self._halt(error)

    def _asked(self, site: int, words: Any, instance: int) -> int:
        """Answer a question over sizes, or about a leak."""
        try:
            asked = self.compiled.questions.sites[site]
            state = self.packing.unpack([words[i] for i in range(self.packing.words)])
            match asked.what:
                case Check(condition=condition):
                    evaluator = self._evaluator(asked.template)
                    formula = evaluator.formula(condition)(list(state), instance)
                    return int(self.solver.holds(formula))
                case Property(when="step") as prop:
                    return int(self.judge.test(prop, state, self._before()) is None)
                case Property() as prop:
                    return int(self.judge.test(prop, state, None) is None)
                case _:
                    return int(self.judge.leaked(state) is not None)
        except BaseException as error:  # noqa: BLE001 - it is raised behind the machine code
            self._halt(error)
            return 2

    def _before(self) -> State:
        """Return the state before the step that is being judged."""
        words = (ctypes.c_uint64 * self.packing.words).from_address(self.states["previous"])
        return self.packing.unpack(list(words))

    def _evaluator(self, template: str) -> Evaluator:
        if template not in self.evaluators:
            self.evaluators[template] = Evaluator(self.system.layout, template)
        return self.evaluators[template]

    def _halt(self, error: BaseException) -> None:
        self.error = self.error or error
        self.states["stop"] = UNDECIDED

    def _statistics(self) -> Statistics:
        program, states = self.system.program, self.states
        judged = {p.name: states.context[JUDGED + n] for n, p in enumerate(program.properties)}
        if "leak" in self.judge.judged:
            judged["leak"] = states["asked"]
        for name, template in program.templates.items():
            if template.role != "setup":
                count = len(template.blocks)
                for compiled in (*self.run_before, self.compiled):
                    _mark(self.machine.entered[name], compiled.flags(f"entered.{name}", count))
                    _mark(self.machine.taken[name], compiled.flags(f"taken.{name}", 2 * count))
        return Statistics(
            states=states["states"],
            transitions=states["transitions"],
            depth=self.depth,
            terminal_states=states["terminal"],
            judged=judged,
            unexercised=unexercised(self.machine),
            bound_reached=tuple(sorted(self.claims.bounds)),
        )


def _mark(flags: bytearray, more: bytes) -> None:
    for at, flag in enumerate(more):
        flags[at] |= flag
