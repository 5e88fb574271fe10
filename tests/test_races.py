"""Data races: which accesses race, that both engines find the same one, and that replay insists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kmcheck.diagnostics import InternalError
from kmcheck.driver import Options
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.protocols import Question
from kmcheck.replay import replay
from kmcheck.solver import Solver
from kmcheck.trace import Trace
from kmcheck.verdict import Budget, Claim, Violated, Witness
from tests import random_programs
from tests.language import explore, program, system, verdict
from tests.random_programs import on_random_programs

LOCK = """
with atomic():
    wait_until(not g.locked)
    g.locked = True
{}
WRITE_ONCE(g.locked, False)
"""
FIELDS = """
n: Annotated[int, range(9)]
locked: bool
p: Ref["Page"]
q: Ref["Page"]
s: SetOf["Page"]
"""
PAGE = "class Page(Object):\n    n: Annotated[int, range(9)]\n"
TWO = "g.p = Page()\ng.q = Page()"
RACES = Options(races=True)


def about(*bodies: str) -> str:
    return program(FIELDS, *bodies, more=PAGE, begin=TWO)


@pytest.mark.parametrize(
    ("bodies", "found"),
    [
        (("g.n = 1", "x = g.n"), "data-race"),
        (("g.n = 1", "g.n = 2"), "data-race"),
        (("x = g.n", "y = g.n"), "holds"),
        (("g.n = 1",), "holds"),
        (("WRITE_ONCE(g.n, 1)", "x = READ_ONCE(g.n)"), "holds"),
        (("WRITE_ONCE(g.n, 1)", "x = g.n"), "data-race"),
        (("g.n = 1", "x = READ_ONCE(g.n)"), "data-race"),
        (("fetch_add(g.n, 1)", "fetch_add(g.n, 1)"), "holds"),
        (("fetch_add(g.n, 1)", "x = g.n"), "data-race"),
        (("g.n += 1", "x = READ_ONCE(g.n)"), "data-race"),
        (("with atomic():\n    g.n = 1", "x = g.n"), "data-race"),
        (("with atomic():\n    g.n = 1", "with atomic():\n    x = g.n"), "holds"),
        ((LOCK.format("g.n = 1"), LOCK.format("x = g.n")), "holds"),
        ((LOCK.format("g.n = 1"), "x = g.n"), "data-race"),
        (("g.p.n = 1", "g.q.n = 1"), "holds"),
        (("page = g.p\npage.n = 1", "page = g.p\npage.n = 2"), "data-race"),
        (("if g.n == 1:\n    g.locked = True", "g.n = 1"), "data-race"),
        (("if READ_ONCE(g.n) == 1:\n    x = g.p.n", "g.p.n = 1\nWRITE_ONCE(g.n, 1)"), "holds"),
        (("g.s.add(g.p)", "g.s.discard(g.q)"), "holds"),
        (("for page in g.s:\n    pause()", "g.s.add(g.q)"), "holds"),
        (("g.p = None", "x = READ_ONCE(g.p.n)"), "data-race"),
        (("g.n = 1", "wait_until(g.n == 1)"), "data-race"),
        (("g.n = 1", "wait_until(g.n == 2)"), "data-race"),
        (("g.n = 1", "wait_until(g.locked)"), "holds"),
        (("WRITE_ONCE(g.n, 1)", "wait_until(g.n == 2)"), "holds"),
    ],
)
def test_what_nothing_orders_races_unless_it_is_marked(bodies: tuple[str, ...], found: str) -> None:
    options = replace(RACES, properties=("data-race",))
    assert verdict(about(*bodies), options) == found


def test_nobody_is_told_who_does_not_ask() -> None:
    assert verdict(about("g.n = 1", "g.n = 2")) == "holds"


def test_both_accesses_are_shown() -> None:
    whole = trace_of(about("x = READ_ONCE(g.locked)\ng.n = 1", "y = g.n"))
    assert [event.process for event in whole.events][-2:] in (["CPU0", "CPU1"], ["CPU1", "CPU0"])
    assert whole.violation.thing == "g"
    assert "stores plainly" in whole.violation.message
    assert "loads plainly" in whole.violation.message


def trace_of(text: str) -> Trace:
    found = explore(text, RACES)
    return next(v.trace for v in found.verdicts if isinstance(v, Violated))


def test_random_programs_have_the_same_races() -> None:
    seen: list[Trace] = []

    def agree(text: str) -> None:
        found = random_programs.built(text)
        if found is None:
            return
        question = Question(every=True, races=True)
        budget = Budget(states=1500)
        first = REFERENCE.search(found[0], question, Solver(), budget, lambda _: None)
        if first.cut == "budget":
            return
        second = NATIVE.search(found[0], question, Solver(), Budget(), lambda _: None)
        assert second.claims == first.claims
        racing = [claim for claim in first.claims if claim.violation == "data-race"]
        seen.extend(replay(found[0], claim, (), Solver()) for claim in racing)

    on_random_programs(4300, 12, agree)
    assert seen


@pytest.mark.parametrize(
    ("bodies", "steps"),
    [
        (("x = g.n", "y = g.n"), ((0, ()), (1, ()))),
        (("g.n = 1", "pause()\ny = g.n"), ((0, ()), (1, ()))),
        (("g.n = 1\nx = g.n",), ((0, ()), (0, ()))),
        (("g.n = 1",), ((0, ()),)),
    ],
)
def test_a_run_without_a_race_is_refused(
    bodies: tuple[str, ...], steps: tuple[tuple[int, tuple[int, ...]], ...]
) -> None:
    whole, solver = system(about(*bodies))
    with pytest.raises(InternalError, match="data race"):
        replay(whole, Claim("data-race", Witness(0, steps)), (), solver)
