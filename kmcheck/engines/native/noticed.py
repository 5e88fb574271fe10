"""What machine code noticed becomes a claim: the reference semantics says what it is."""

from __future__ import annotations

from kmcheck.claims import Claims
from kmcheck.engines.native.cells import Faults
from kmcheck.engines.native.context import BREAKS, DEADLOCK, FAILS, LEAK, REACHES
from kmcheck.engines.native.emit import FAULT
from kmcheck.engines.native.runs import Runs
from kmcheck.engines.native.states import States
from kmcheck.ir.program import Property
from kmcheck.semantics import Judge, Machine


class Noticed:
    """Takes the steps and judges the states that events point at."""

    def __init__(self, runs: Runs, judge: Judge, states: States, claims: Claims) -> None:
        self.runs = runs
        self.machine: Machine = runs.machine
        self.judge = judge
        self.states = states
        self.claims = claims

    def claim(self, events: list[tuple[int, ...]], faults: Faults) -> None:
        """Claim what events stand for, in their order."""
        for sort, what, status, number, actor, _ in events:
            if sort == REACHES:
                self.claims.bounds.add(faults.bounds[what])
            elif sort in (DEADLOCK, LEAK):
                name = "deadlock" if sort == DEADLOCK else "leak"
                self.claims.claim(name, self.runs.to(number), now=True)
            elif sort == FAILS:
                self._failed(number, actor, faults.violations[status - FAULT])
            else:
                self._broken(self.judge.layout.program.properties[what], number, sort)

    def _failed(self, number: int, actor: int, violation: str) -> None:
        """Let the reference take the step that fails, and claim what it says."""
        for step in self.machine.possible(self.states.state(number), actor):
            if step.fault is not None and step.fault.kind == violation:
                self.claims.beyond.add(violation)
                self.claims.claim(violation, self.runs.to(number, step))
                return
        raise AssertionError(violation)

    def _broken(self, prop: Property, number: int, sort: int) -> None:
        """Let the reference judge a state, or the steps out of one, and claim what it says."""
        state = self.states.state(number)
        if sort == BREAKS:
            for found, fault in self.judge.failing(state, self.states.previous(number)):
                if found == prop:
                    self.claims.fail(prop, fault, self.runs.to(number))
                    return
        for step in self.runs.steps(state):
            if step.state is not None:
                for found, fault in self.judge.failing(step.state, state, steps_only=True):
                    if found == prop:
                        self.claims.fail(prop, fault, self.runs.to(number, step))
                        return
        raise AssertionError(prop.name)
