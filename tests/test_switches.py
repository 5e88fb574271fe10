"""The run that is shown changes processes as seldom as any of its length."""

from __future__ import annotations

from functools import partial

import pytest

from kmcheck.driver import Options
from kmcheck.engines.reference import ENGINE
from kmcheck.protocols import Question
from kmcheck.replay import switches as module
from kmcheck.replay.switches import switches, with_fewest
from kmcheck.semantics import Judge, Machine, State, Step
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Claim, Violated, Witness
from tests.language import explore, program, system
from tests.random_programs import built, on_random_programs

TO_AND_FRO = program(
    "a: int\nb: int",
    "g.a = 1\nwait_until(g.b == 2)\ncheck(False, 'two', 'two')",
    "g.b = 1\ng.b = 2",
)
"""Breadth first, the first process begins; but it may as well wait."""


def found(less: TransitionSystem, solver: Solver) -> tuple[Claim, ...]:
    """Return a shortest run for each violation of a small system."""
    finding = ENGINE.search(less, Question(every=True), solver, Budget(states=400), lambda _: None)
    return finding.claims


ENOUGH = 1000
"""Places at one depth that are looked at: a random program may have many more."""


def fewest(of: TransitionSystem, claim: Claim, solver: Solver) -> int | None:
    """Return the fewest switches of all runs of one length, each state at each depth looked at.

    None if that is too much.
    """
    machine, judge = Machine(of.layout, solver.holds), Judge(of.layout, solver.holds)
    ends = partial(_ends, machine, judge, claim.violation)
    layer: dict[tuple[State, int], int] = {(state, -1): -1 for _, state in of.initial}
    best = len(claim.witness.steps)
    for _ in claim.witness.steps:
        below: dict[tuple[State, int], int] = {}
        for (state, last), cost in layer.items():
            for step in _steps(machine, state):
                changes = cost + (step.process != last)
                if ends(state, step):
                    best = min(best, changes)
                elif step.state is not None:
                    key = step.state, step.process
                    below[key] = min(changes, below.get(key, changes))
        layer = below
        if len(layer) > ENOUGH:
            return None
    return best


def _steps(machine: Machine, state: State) -> list[Step]:
    return [step for actor in range(len(machine.actors)) for step in machine.possible(state, actor)]


def _ends(machine: Machine, judge: Judge, wanted: str, before: State, step: Step) -> bool:
    if step.state is None:
        return step.fault is not None and step.fault.kind == wanted
    ended = judge.all_ended(step.state)
    return (
        (wanted == "deadlock" and not ended and not _steps(machine, step.state))
        or (wanted == "leak" and ended and judge.leaked(step.state) is not None)
        or wanted in {f.kind if f else p.name for p, f in judge.failing(step.state, before)}
    )


def test_it_goes_to_and_fro_no_more_than_it_has_to() -> None:
    of, solver = system(TO_AND_FRO)
    [claim] = (c for c in found(of, solver) if c.violation == "two")
    better = with_fewest(of, claim, solver)
    assert switches(claim.witness.steps) > switches(better.witness.steps) == 1
    assert len(better.witness.steps) == len(claim.witness.steps)


def test_what_is_shown_is_that_run() -> None:
    [verdict] = explore(TO_AND_FRO, Options(properties=("two",))).verdicts
    assert isinstance(verdict, Violated)
    assert [event.process for event in verdict.trace.events] == ["CPU1"] * 2 + ["CPU0"] * 2
    assert verdict.shortest


@pytest.mark.parametrize("most", [0, 3])
def test_where_too_much_is_to_be_looked_at_the_known_run_is_shown(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, solver = system(TO_AND_FRO)
    [claim] = (c for c in found(of, solver) if c.violation == "two")
    monkeypatch.setattr(module, "MOST", most)
    assert with_fewest(of, claim, solver) == claim


def test_other_orders_of_the_same_steps_are_tried_where_all_runs_are_too_many() -> None:
    of, solver = system(TO_AND_FRO)
    [claim] = (c for c in found(of, solver) if c.violation == "two")
    steps = claim.witness.steps
    given = tuple(tuple(c for actor, c in steps if actor == a) for a in range(2))
    better = module.Search(of, claim, solver, given).run()
    assert better is not None
    assert switches(better.witness.steps) == 1
    assert sorted(better.witness.steps) == sorted(steps)


def test_a_run_that_never_ends_is_left_alone() -> None:
    of, solver = system(TO_AND_FRO)
    claim = Claim("livelock", Witness(0, ((0, ()), (1, ()), (0, ())), 1))
    assert with_fewest(of, claim, solver) is claim


@pytest.mark.parametrize("number", range(4))
def test_no_run_of_a_random_program_changes_processes_less_often(number: int) -> None:
    compared = 0

    def compare(text: str) -> None:
        nonlocal compared
        ready = built(text)
        if ready is None:
            return
        of, solver = ready
        for claim in found(of, solver):
            least = fewest(of, claim, solver)
            if least is not None:
                better = with_fewest(of, claim, solver)
                assert len(better.witness.steps) <= len(claim.witness.steps)
                assert switches(better.witness.steps) == least
                compared += 1

    on_random_programs(number, 25, compare)
    assert compared
