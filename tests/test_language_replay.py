"""Replay: a witness is believed only if it is a run of the system and ends as was claimed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kmcheck.diagnostics import InternalError
from kmcheck.driver import Options, again
from kmcheck.replay import replay
from kmcheck.store import read, write
from kmcheck.trace import Trace
from kmcheck.verdict import Claim, Violated, Witness
from tests.language import explore, program, source, system

FIELDS = "n: Annotated[int, range(8)]\nm: Annotated[int, range(8)]\np: Ref['Page']\nc: Counter"
PAGE = "class Page(Object, limit=2):\n    k: Annotated[int, range(4)]\n    size: Size\n\n"
LAW = "@always\ndef law() -> bool:\n    return g.n != 2\n"
CHOICE = program(FIELDS, "pause()\ng.n = choose(1, 2, 3)\ng.m = 1", "g.m = 2", more=PAGE) + LAW


def confirm(text: str, violation: str, steps: tuple[tuple[int, tuple[int, ...]], ...]) -> Trace:
    whole, solver = system(text)
    return replay(whole, Claim(violation, Witness(0, steps)), (), solver)


def witness(text: str) -> Trace:
    return next(v.trace for v in explore(text).verdicts if isinstance(v, Violated))


def test_an_honest_witness_is_confirmed() -> None:
    found = witness(CHOICE)
    initial, steps = found.witness
    assert initial == 0
    assert confirm(CHOICE, "law", steps).violation.kind == "law"


TRUE = witness(CHOICE).witness[1]
TAMPERED = {
    "another process": tuple((1 - actor, choices) for actor, choices in TRUE),
    "a process that is not there": ((7, ()), *TRUE[1:]),
    "a process before the first": ((-1, ()), *TRUE[1:]),
    "a choice that is not there": tuple((a, (9,) if c else ()) for a, c in TRUE),
    "another choice": tuple((a, (0,) if c else ()) for a, c in TRUE),
    "no choice": tuple((a, ()) for a, _ in TRUE),
    "a choice too many": tuple((a, (*c, 0)) for a, c in TRUE),
    "a step too many": (*TRUE, (1, ())),
    "a step of one that has ended": (*TRUE, (0, ()), (0, ())),
    "a step too few": TRUE[:-1],
    "nothing at all": (),
}


@pytest.mark.parametrize("steps", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_witness_is_refused(steps: tuple[tuple[int, tuple[int, ...]], ...]) -> None:
    with pytest.raises(InternalError):
        confirm(CHOICE, "law", steps)


@pytest.mark.parametrize(
    "violation",
    ["deadlock", "leak", "use-after-free", "null-deref", "assertion", "no-such-thing", ""],
)
def test_another_violation_is_refused(violation: str) -> None:
    with pytest.raises(InternalError):
        confirm(CHOICE, violation, TRUE)


def test_another_beginning_is_refused() -> None:
    text = program(FIELDS, "assert g.n != 2", begin="g.n = choose(1, 2)", more=PAGE)
    found = witness(text)
    assert found.witness == (1, ((0, ()),))
    whole, solver = system(text)
    for initial in (0, 2, -1):
        with pytest.raises(InternalError):
            replay(whole, Claim("assertion", Witness(initial, ((0, ()),))), (), solver)


def test_nothing_comes_behind_a_violation() -> None:
    text = program(FIELDS, "x = g.p.k\ng.n = 1", "g.m = 1", more=PAGE)
    (*_, last) = steps = witness(text).witness[1]
    confirm(text, "null-deref", steps)
    for behind in ((1, ()), last):
        with pytest.raises(InternalError):
            confirm(text, "null-deref", (*steps, behind))


def test_a_property_that_is_not_due_is_not_violated() -> None:
    late = CHOICE.replace("@always", "@finally_")
    with pytest.raises(InternalError):
        confirm(late, "law", TRUE)
    stepwise = CHOICE.replace("@always", "@step").replace("g.n != 2", "False")
    with pytest.raises(InternalError):
        confirm(stepwise, "law", ())
    confirm(stepwise, "law", ((1, ()),))
    with pytest.raises(InternalError):
        confirm(CHOICE.replace("g.n != 2", "g.n != 3"), "law", TRUE)


def test_a_deadlock_and_a_leak_are_looked_at_again() -> None:
    stuck = program(FIELDS, "g.n = 1\nwait_until(g.m == 1)", more=PAGE)
    confirm(stuck, "deadlock", ((0, ()),))
    with pytest.raises(InternalError):
        confirm(stuck, "deadlock", ())
    lost = program(FIELDS, "x = Page()\ng.n = 1", "g.m = 1", more=PAGE)
    confirm(lost, "leak", ((0, ()), (0, ()), (1, ())))
    with pytest.raises(InternalError):
        confirm(lost, "leak", ((0, ()), (0, ())))
    with pytest.raises(InternalError):
        confirm(lost.replace("g.n = 1", "g.p = x"), "leak", ((0, ()), (0, ()), (1, ())))


VIOLATIONS = {
    "law": CHOICE,
    "null-deref": program(FIELDS, "x = g.p.k", more=PAGE),
    "use-after-free": program(FIELDS, "x = Page()\nfree(x)\ny = x.k", more=PAGE),
    "double-free": program(FIELDS, "x = Page()\nfree(x)\nfree(x)", more=PAGE),
    "bad-free": program(FIELDS, "pause()\nfree(g)", more=PAGE),
    "uninitialised-read": program(FIELDS, "x = uninitialised(Page)\ny = x.k", more=PAGE),
    "range": program(FIELDS, "while True:\n    g.n += 1", more=PAGE),
    "assertion": program(FIELDS, "g.n = 1\nassert g.n == 0", "g.n = 0", more=PAGE),
    "endless-step": program(FIELDS, "with atomic():\n    while g.n == 0:\n        pass", more=PAGE),
    "deadlock": program(FIELDS, "wait_until(g.n == 1)", more=PAGE),
    "leak": program(FIELDS, "x = Page()", more=PAGE),
    "list-corruption": program("s: SetOf['G']", "g.s.remove(g)"),
    "underflow": program(
        FIELDS,
        "g.p = Page()\nwith atomic():\n    g.c.sub(g.p.size)\n    check(g.c >= 0, 'underflow')",
        more=PAGE,
    ),
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_every_stored_trace_replays(violation: str) -> None:
    text = VIOLATIONS[violation]
    found = witness(text)
    assert found.violation.kind == violation
    stored = read(write(found))
    assert stored == found
    assert again(source(text), stored) == found


def test_a_stored_trace_does_not_replay_in_another_spec() -> None:
    found = witness(CHOICE)
    with pytest.raises(InternalError):
        again(source(CHOICE.replace("choose(1, 2, 3)", "1")), found)
    with pytest.raises(InternalError):
        again(source(CHOICE), replace(found, witness=(0, found.witness[1][:-1])))


def test_the_trace_says_what_each_step_did() -> None:
    text = program(FIELDS, "g.n = 1\nx = g.n\ng.m = x + 1\nassert g.m == 0", more=PAGE)
    result = explore(text, Options())
    events = next(v.trace for v in result.verdicts if isinstance(v, Violated)).events
    assert [e.number for e in events] == [1, 2, 3, 4]
    assert [[(a.what, a.field) for a in e.accesses] for e in events] == [
        [("store", "n")],
        [("load", "n")],
        [("store", "m")],
        [("load", "m")],
    ]
