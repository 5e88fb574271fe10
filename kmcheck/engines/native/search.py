"""A search with machine code: Python takes the levels, what is found, and what is asked."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kmcheck.claims import Claims, Clock, Stop
from kmcheck.engines.native import endless, fingerprints, growth, keeping
from kmcheck.engines.native.answers import Answers
from kmcheck.engines.native.checkpoint import Saved
from kmcheck.engines.native.context import EVENTS, MOST_CHOICES, PLACES, WAY_BITS
from kmcheck.engines.native.crew import Crew
from kmcheck.engines.native.emit import CHOICES, CROWDED, FORKED, FULL, GROW, UNDECIDED, WIDEN
from kmcheck.engines.native.endless import Endless
from kmcheck.engines.native.housing import Housing
from kmcheck.engines.native.interrupts import held_back
from kmcheck.engines.native.keeping import Keeping
from kmcheck.engines.native.noticed import Noticed
from kmcheck.engines.native.packing import Narrow, Packing, Widths
from kmcheck.engines.native.plan import plan
from kmcheck.engines.native.runs import Runs
from kmcheck.engines.native.seen import Seen
from kmcheck.engines.native.states import States
from kmcheck.liveness import Source, judge_runs, obligations
from kmcheck.protocols import Progress, Question
from kmcheck.races import judge_races
from kmcheck.semantics import Judge, Machine, State
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Finding, Statistics

CHUNK, ASKING = 1 << 15, 1 << 10
"""States between two looks at the clock, the memory and the screen; fewer where Python is asked."""

RESERVED, COMPILING = 24 << 20, 96 << 20
"""Bytes that telling the result may take, and that LLVM may take to optimise."""

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
        if budget.bytes is not None:
            self.budget = replace(budget, bytes=max(1, budget.bytes - RESERVED))
        self.clock = Clock(self.budget, report)
        self.widths: Widths = {}

    def run(self) -> Finding:
        """Explore until the question is answered or the budget is used up.

        Raises:
            UsageError: a checkpoint cannot be read or written, or is of another search.
        """
        fingerprints.check(self.budget, whole=self.question.endless or self.question.races)
        initial = [state for _, state in self.system.initial]
        saved = self._saved()
        while True:
            try:
                packing = plan(self.system.layout, initial, self.widths)
                with held_back() as heed:
                    return Exploration(self, packing, heed).run(saved)
            except Narrow as narrow:
                self.widths[narrow.key] = self.widths.get(narrow.key, 0) + 1
                saved = None

    def _saved(self) -> Saved | None:
        wanted = self.budget.checkpoints
        if wanted.resume is None:
            return None
        saved = Saved(wanted.resume, wanted.identity)
        self.widths = keeping.widths(saved)
        return saved


class Exploration:
    """A search with one packing."""

    def __init__(self, search: Search, packing: Packing, heed: Callable[[], None]) -> None:
        self.heed = heed
        self.widths = search.widths
        self.keeping = Keeping(search.budget.checkpoints)
        self.pending: list[tuple[int, ...]] = []
        self.end = 0
        self.system = search.system
        self.solver = search.solver
        self.clock = search.clock
        self.packing = packing
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)
        self.claims = Claims(search.question, alike=self.system.symmetry is not None)
        self.compact = search.budget.compact
        threads, spill = search.budget.threads, search.budget.spill
        size = growth.first(packing, threads, compact=self.compact)
        self.crew = Crew(self.system, packing, size.form, threads)
        sorts = self.crew.compiled.sorts
        self.states = States(packing, sorts, threads, spill, compact=self.compact)
        most = search.budget.bytes
        self.housing = Housing(self.crew, self.states, size, most, self._obey, heed)
        self.answers = Answers(self.crew, packing, self.judge, self.solver)
        self.asked = [self.answers.function(context) for context in self.states.contexts]
        for context, function in zip(self.states.contexts, self.asked, strict=True):
            context[PLACES["ask"]] = ctypes.cast(function, ctypes.c_void_p).value or 0
        self.runs = Runs(self.system, self.machine, self.states, self.crew.compiled.form)
        self.seen = Seen(self.system, self.machine, self.judge, self.states, self.claims)
        self.noticed = Noticed(self.runs, self.judge, self.states, self.claims)
        self.depth = 0

    def run(self, saved: Saved | None) -> Finding:
        """Explore until the question is answered or the budget is used up.

        Raises:
            Narrow: a cell is too narrow.
            UsageError: a checkpoint cannot be read or written.
        """
        before = self.solver.stood_for
        try:
            self.keeping.check()
            finding = self.claims.finding(lambda: self._levels(saved), self._statistics)
            return fingerprints.qualified(finding, self.packing) if self.compact else finding
        finally:
            self.solver.stood_for = before + self.states.total("stood_for")
            self.crew.pool.shutdown()
            self.states.close()

    # --- the levels ----------------------------------------------------------------------------

    def _levels(self, saved: Saved | None) -> None:
        if saved is None:
            self._begin()
        else:
            self._resume(saved)
        states = self.states
        try:
            while states["next"] < states["states"]:
                if states["next"] >= self.end:
                    self.clock.descend(self.depth)
                    self.end = states["states"]
                self._level(self.end)
                self.states.settling = True
                self._settle()
                if states["states"] > self.end:
                    self.depth += 1
                self.states.settling = False
                if self.compact:
                    states.let_go(self.end)
            if self.claims.question.races:
                self._judge_races()
            if self.claims.question.endless:
                self._judge_runs()
        except Stop as stop:
            if stop.why is not None and not self.states.settling:
                self._give_up()
            raise
        except (KeyboardInterrupt, MemoryError):
            if not self.states.settling and self.answers.error is None:
                self._give_up()
            raise

    def _judge_races(self) -> None:
        every = map(self.states.state, range(self.states["states"]))
        judge_races(self.claims, self.machine, every, self.runs.to, self._heed_and_look)

    def _judge_runs(self) -> None:
        """Judge the runs that never end, now that all states are known.

        Raises:
            Stop: there is not enough memory for all states and steps.
        """
        if self.claims.bounds or self.claims.beyond:
            return
        names = obligations(self.claims, self.system.layout).names
        if not names:  # what is asked for by name is none of them
            return
        count, steps = self.states["states"], self.states.total("transitions")
        self.housing.list_all(endless.room(count, steps, len(names)), names)
        around = Endless(self.crew.compiled, self.states, self.machine, self._heed_and_look)
        source = Source(self.states.state, self.runs.to)
        told = judge_runs(self.claims, self.machine, source, around.graph, around.told)
        self.seen.counted.update(told)

    def _heed_and_look(self) -> None:
        self.heed()
        self._look_around()

    def _give_up(self) -> None:
        if self.keeping.wanted.keep is None:
            self.states["states"] = self.housing.found()
        else:
            self._keep()
            self.keeping.ended = self.keeping.wanted.keep

    def _keep(self) -> None:
        self.housing.sift(heeding=False)
        self.keeping.keep(self.states, self._described)

    def _begin(self) -> None:
        self.housing.open_for(len(self.system.initial))
        for number, (_, state) in enumerate(self.system.initial):
            if self._add(state):
                self.states.origins.append(number)
        self.states.spread()
        self._settle()

    def _resume(self, saved: Saved) -> None:
        self.states.make_room(saved.header["states"])
        self.pending = keeping.restore(saved, self.states, self.machine, self.claims, self.solver)
        self.seen.take_over(saved.header["looked"])
        self.end, self.depth = saved.header["end"], saved.header["depth"]
        self.housing.open_for(self.states["states"])

    def _described(self) -> dict[str, Any]:
        self._mark_exercised()
        self.pending += self.states.happened()
        about = keeping.described(self.states, self.machine, self.claims, self.solver, self.widths)
        looked = {name: flags.hex() for name, flags in self.judge.looked.items()}
        more = {"pending": self.pending, "end": self.end, "depth": self.depth, "looked": looked}
        return {**about, **more}

    def _add(self, state: State) -> bool:
        """Add an initial state, and tell whether it is new."""
        kind = ctypes.c_uint64 * self.packing.words
        words = kind(*self.packing.pack(state))
        context = self.states.start(0)[0]
        new = bool(self.crew.compiled.add(context, ctypes.addressof(words)))
        self._obey()
        return new

    def _level(self, end: int) -> None:
        states = self.states
        while states["next"] < end:
            self.heed()
            self._look_around()
            self._speed_up()
            if self.keeping.is_due():
                self._keep()
            chunk = min(CHUNK, ASKING) if self.crew.compiled.questions.sites else CHUNK
            contexts = states.start(min(end, states["next"] + chunk))
            self.crew.together(self.crew.compiled.search, contexts)
            self._obey()
        self.housing.sift()

    def _look_around(self) -> None:
        self.housing.make_way()
        found, done = self.housing.found(), self.states["next"]
        self.clock.look(Progress(found, found - done, self.depth, self.states.total("transitions")))
        self.clock.count(found)

    def _speed_up(self) -> None:
        """Compile again, with optimisation, once the search is worth it."""
        worth = not self.crew.compiled.variant.speed and self.states["states"] > LASTING
        if worth and self.housing.has_room(COMPILING):
            self.crew.speed_up()

    def _obey(self) -> None:
        """Do what machine code stopped for, or raise it."""
        if self.answers.error is not None:
            raise self.answers.error
        thread = self.states.stopped()
        if thread is None:
            return
        self.states.forget()
        context = self.states.contexts[thread]
        match context[PLACES["stop"]]:
            case stop if stop == GROW:
                self.housing.grow()
            case stop if stop == CROWDED:
                self.states.lengthen()
            case stop if stop == FORKED:
                raise Stop(f"a state has {1 << WAY_BITS:,} steps or more, too many to tell apart")
            case stop if stop == WIDEN:
                raise Narrow(self.crew.compiled.faults.widened[context[0]])
            case stop if stop == UNDECIDED:
                self._undecided(context[PLACES["where"]], context[PLACES["actor"]])
            case stop if stop == CHOICES:
                raise Stop(f"more than {MOST_CHOICES} choices in one step: take --engine reference")
            case stop if stop == FULL:
                self.states.settling = True
                raise Stop(f"more than {EVENTS:,} violations at one depth: ask for some with -p")
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

    # --- what is found -------------------------------------------------------------------------

    def _settle(self) -> None:
        """End a level: what was found on it counts, shortest first."""
        events = sorted(self.pending + self.states.happened(), key=lambda event: event[-1])
        self.pending.clear()
        self.noticed.claim(events, self.crew.compiled.faults)
        self.claims.settle()

    def _statistics(self) -> Statistics:
        self._mark_exercised()
        return self.seen.statistics(self.depth, self.housing.base or 0, self.keeping.ended)

    def _mark_exercised(self) -> None:
        self.seen.mark_exercised(self.crew.all)
