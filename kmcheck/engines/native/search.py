"""A search with machine code: Python takes the levels, what is found, and what is asked."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from kmcheck import machine as host
from kmcheck.claims import Claims, Clock, Stop, unexercised
from kmcheck.engines.native import growth
from kmcheck.engines.native.answers import Answers
from kmcheck.engines.native.compiled import Compiled, Variant
from kmcheck.engines.native.context import BREAKS, DEADLOCK, FAILS, LEAK, PLACES, REACHES
from kmcheck.engines.native.emit import CROWDED, FAULT, GROW, UNDECIDED, WIDEN
from kmcheck.engines.native.growth import BYTES, Size
from kmcheck.engines.native.packing import Narrow, Packing, Widths
from kmcheck.engines.native.plan import plan
from kmcheck.engines.native.states import States
from kmcheck.ir.program import Property
from kmcheck.protocols import Progress, Question
from kmcheck.semantics import BoundReached, Judge, Machine, State, Step
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
        self.budget = budget
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
        self.most_bytes = search.budget.bytes
        self.threads = search.budget.threads
        self.packing = packing
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)
        self.claims = Claims(search.question)
        self.size = growth.first(packing, self.threads)
        self.compiled = Compiled(packing, Variant(self.size.form, self.threads))
        self.run_before: list[Compiled] = []
        self.states = States(packing, self.machine, self.compiled.sorts, self.threads)
        self.answers = Answers(self.compiled, packing, self.judge, self.solver)
        self.asked = [self.answers.function(context) for context in self.states.contexts]
        for context, function in zip(self.states.contexts, self.asked, strict=True):
            context[PLACES["ask"]] = ctypes.cast(function, ctypes.c_void_p).value or 0
        self.pool = ThreadPoolExecutor(max(1, self.threads - 1))
        self.depth = 0

    def run(self) -> Finding:
        """Explore until the question is answered or the budget is used up.

        Raises:
            Narrow: a cell is too narrow.
        """
        before = self.solver.stood_for
        try:
            return self.claims.finding(self._levels, self._statistics)
        finally:
            self.solver.stood_for = before + self.states.total("stood_for")
            self.pool.shutdown()
            self.states.close()

    # --- the levels ----------------------------------------------------------------------------

    def _levels(self) -> None:
        states = self.states
        self._lay_tables(self.size)
        for number, (_, state) in enumerate(self.system.initial):
            if self._add(state):
                states.origins.append(number)
        states.spread()
        self._settle()
        while states["next"] < states["states"]:
            self.clock.descend(self.depth)
            end = states["states"]
            self._level(end)
            self._settle()
            if states["states"] > end:
                self.depth += 1

    def _add(self, state: State) -> bool:
        """Add an initial state, and tell whether it is new."""
        kind = ctypes.c_uint64 * self.packing.words
        words = kind(*self.packing.pack(state))
        context = self.states.start(0)[0]
        new = bool(self.compiled.add(context, ctypes.addressof(words)))
        self._heed()
        return new

    def _level(self, end: int) -> None:
        states = self.states
        while states["next"] < end:
            self._look_around()
            self._speed_up()
            contexts = states.start(min(end, states["next"] + CHUNK))
            self._together(self.compiled.search, contexts)
            self._heed()

    def _together(self, function: Callable[[int], None], contexts: list[int]) -> None:
        """Call machine code with all contexts at once."""
        others = [self.pool.submit(function, context) for context in contexts[1:]]
        function(contexts[0])
        for other in others:
            other.result()

    def _look_around(self) -> None:
        found, done = self.states["states"], self.states["next"]
        self.clock.look(Progress(found, found - done, self.depth, self.states.total("transitions")))
        self.clock.count(found)

    def _speed_up(self) -> None:
        """Compile again, with optimisation, once the search is worth it."""
        if not self.compiled.variant.speed and self.states["states"] > LASTING:
            self._go_on_with(self.compiled.faster())

    def _go_on_with(self, compiled: Compiled) -> None:
        self.run_before.append(self.compiled)
        self.compiled = self.answers.compiled = compiled

    def _heed(self) -> None:
        """Do what machine code stopped for, or raise it."""
        thread = self.states.stopped()
        if thread is None:
            return
        self.states.forget()
        if self.answers.error is not None:
            raise self.answers.error
        context = self.states.contexts[thread]
        match context[PLACES["stop"]]:
            case stop if stop == GROW:
                self._grow()
            case stop if stop == CROWDED:
                self.states.lengthen()
            case stop if stop == WIDEN:
                raise Narrow(self.compiled.faults.widened[context[0]])
            case stop if stop == UNDECIDED:
                self._undecided(context[PLACES["where"]], context[PLACES["actor"]])
            case stop:
                raise AssertionError(stop)

    def _undecided(self, number: int, actor: int) -> None:
        """Let the reference meet the comparison that depends on sizes, and say where it is."""
        state = self.states.state(number)
        if actor >= 0:
            list(self.machine.steps_of(state, actor))
        else:
            list(self.judge.failing(state, self.states.previous(number)))
        raise AssertionError(state)

    # --- tables --------------------------------------------------------------------------------

    def _grow(self) -> None:
        """Make room for more states.

        Raises:
            Stop: there is none.
        """
        size = growth.next_after(self.size, self.packing, self.threads)
        if self.states["states"] + size.room * self.threads > self.states.most:
            raise Stop(f"{self.states['states']:,} states reached, which is all there is room for")
        if not self._affordable(size):
            size = growth.squeezed(self.size)
            if size == self.size:
                raise Stop(f"{(self.most_bytes or 0) / 2**30:.3g} GiB of memory are used")
            self.size = size
            self.states["room"] = size.room
            return
        if size.form != self.size.form:
            speed = self.compiled.variant.speed
            self._go_on_with(Compiled(self.packing, Variant(size.form, self.threads, speed)))
        self._lay_tables(size)
        self._together(self.compiled.rehash, self.states.start(0))

    def _affordable(self, size: Size) -> bool:
        """Tell whether there is memory for larger tables, and for the states that fill them."""
        if self.most_bytes is None:
            return True
        more = size.bytes(self.threads) - self.size.bytes(self.threads)
        return host.resident() + more < self.most_bytes

    def _lay_tables(self, size: Size) -> None:
        self.size = size
        self.states.lay_tables(size.entries, BYTES[size.form], size.room)

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

    def _statistics(self) -> Statistics:
        program, states = self.system.program, self.states
        judged = {p.name: states.judged(n) for n, p in enumerate(program.properties)}
        if "leak" in self.judge.judged:
            judged["leak"] = states.total("asked")
        for name, template in program.templates.items():
            if template.role != "setup":
                count = len(template.blocks)
                for compiled in (*self.run_before, self.compiled):
                    _mark(self.machine.entered[name], compiled.flags(f"entered.{name}", count))
                    _mark(self.machine.taken[name], compiled.flags(f"taken.{name}", 2 * count))
        return Statistics(
            states=states["states"],
            transitions=states.total("transitions"),
            depth=self.depth,
            terminal_states=states.total("terminal"),
            judged=judged,
            unexercised=unexercised(self.machine),
            bound_reached=tuple(sorted(self.claims.bounds)),
        )


def _mark(flags: bytearray, more: bytes) -> None:
    for at, flag in enumerate(more):
        flags[at] |= flag
