"""The step after which a violation is certain, against all runs of small programs."""

from __future__ import annotations

import pytest

from kmcheck.driver import Options, again
from kmcheck.engines.reference import ENGINE
from kmcheck.explain import explain
from kmcheck.protocols import Question
from kmcheck.replay import lost, replay
from kmcheck.semantics import Judge, Machine, State
from kmcheck.solver import Solver
from kmcheck.store import read, write
from kmcheck.system import TransitionSystem
from kmcheck.trace import Trace
from kmcheck.verdict import Budget, Claim, Violated
from tests.language import explore, program, source
from tests.random_programs import built, on_random_programs

LAW = "\n@finally_\ndef balanced() -> bool:\n    return g.n == 0\n"


def shown(text: str, name: str) -> Trace:
    [verdict] = explore(text, Options(properties=(name,))).verdicts
    assert isinstance(verdict, Violated)
    return verdict.trace


def test_it_is_the_step_behind_which_nothing_helps() -> None:
    body = "g.n += 1\nif g.given_up:\n    return\ng.n -= 1"
    text = program("n: int\ngiven_up: bool", body, "g.given_up = True\npause()", more=LAW)
    trace = shown(text, "balanced")
    assert trace.violation.lost is not None
    event = trace.events[trace.violation.lost - 1]
    assert event.text == "g.given_up = true"  # who counts will see it, sooner or later
    assert trace.violation.lost < len(trace.events)
    [reason] = [r for r in explain(trace).reasons if "no run avoids this" in r.text]
    assert reason.number == trace.violation.lost
    assert read(write(trace)) == trace
    assert again(source(text), trace) == trace


def test_the_last_step_is_not_told_of() -> None:
    last = program("n: int", "pause()\nwith atomic():\n    g.n = choose(0, 1)", more=LAW)
    assert shown(last, "balanced").violation.lost is None
    fault = program("n: int", "g.n = 1\npause()\ncheck(g.n == 0, 'two', 'two')")
    assert shown(fault, "two").violation.lost is None


def test_what_every_run_breaks_is_said_to_be_certain_from_the_start() -> None:
    trace = shown(program("n: int", "g.n = 1\npause()\npause()", more=LAW), "balanced")
    assert trace.violation.lost == 0
    told = [r for r in explain(trace).reasons if "no run avoids this" in r.text]
    assert [(r.number, r.text) for r in told] == [
        (None, "no run avoids this: it is certain from the start")
    ]
    assert read(write(trace)) == trace


def test_a_deadlock_is_certain_before_it_comes() -> None:
    text = program(
        "a: bool\nb: bool",
        "g.a = True\nwait_until(not g.b)\ng.a = False",
        "g.b = True\npause()\nwait_until(not g.a)\ng.b = False",
    )
    trace = shown(text, "deadlock")
    assert trace.violation.lost is not None
    assert trace.violation.lost < len(trace.events)


def test_where_too_much_is_to_be_looked_at_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "MOST", 3)
    body = "g.n += 1\nif g.given_up:\n    return\ng.n -= 1"
    text = program("n: int\ngiven_up: bool", body, "g.given_up = True\npause()", more=LAW)
    assert shown(text, "balanced").violation.lost is None


def expected(of: TransitionSystem, claim: Claim, solver: Solver) -> int | None:
    """Return the same, from all states there are, and where each leads."""
    machine, judge = Machine(of.layout, solver.holds), Judge(of.layout, solver.holds)
    name = claim.violation

    def wrong(state: State) -> bool:
        return any(prop.name == name for prop, _ in judge.failing(state, None))

    run = [of.initial[claim.witness.initial][1]]
    for actor, choices in claim.witness.steps:
        run.append(machine.take(run[-1], actor, choices))
    before: dict[State, list[State]] = {}
    ahead, seen, good = [run[0]], {run[0]}, []
    for state in ahead:
        if judge.all_ended(state) and not wrong(state):
            good += [state] * (name != "leak" or judge.leaked(state) is None)
        for actor in range(len(machine.actors)):
            for step in machine.possible(state, actor):
                if step.state is not None and not wrong(step.state):
                    before.setdefault(step.state, []).append(state)
                    if step.state not in seen:
                        seen.add(step.state)
                        ahead.append(step.state)
    well = set(good)
    for state in good:
        new = [s for s in before.get(state, ()) if s not in well]
        well.update(new)
        good += new
    first = next(number for number, state in enumerate(run) if state not in well)
    return first if first < len(claim.witness.steps) else None


@pytest.mark.parametrize("number", range(4))
def test_it_is_what_all_runs_of_a_random_program_say(number: int) -> None:
    compared = 0

    def compare(text: str) -> None:
        nonlocal compared
        ready = built(text)
        if ready is None:
            return
        of, solver = ready
        found = ENGINE.search(of, Question(every=True), solver, Budget(states=400), lambda _: None)
        ends = {p.name for p in of.program.properties if p.when in ("rest", "finally")}
        for claim in found.claims:
            if found.stopped is None and claim.violation in ends | {"deadlock", "leak"}:
                told = replay(of, claim, (), solver).violation
                assert told.lost == expected(of, claim, solver)
                compared += 1

    on_random_programs(number, 60, compare)
    assert compared
