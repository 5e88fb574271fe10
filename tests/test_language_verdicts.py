"""Verdicts: what is found unasked, where runs begin, what is unknown and never holds."""

from __future__ import annotations

import pytest

from kmcheck.driver import Options, verify
from kmcheck.protocols import Progress
from kmcheck.semantics import Machine
from kmcheck.verdict import Budget, Holds, Unknown, Violated
from tests.language import explore, program, refusal, source, system, told, trace, verdict

NUMBER = "Annotated[int, range(16)]"
FIELDS = f"n: {NUMBER}\nm: {NUMBER}\ngo: bool\np: Ref['Page']\nq: Ref['Page']"
PAGE = f"class Page(Object, limit=3):\n    k: {NUMBER}\n    next: Ref['Page']\n    part: 'Part'\n\n"
PART = f"class Part(Object):\n    k: {NUMBER}\n\n"


def run(*bodies: str, begin: str = "", more: str = "") -> str:
    return program(FIELDS, *bodies, more=PART + PAGE.replace("'Part'", "Part") + more, begin=begin)


def law(formula: str, kind: str = "always", name: str = "law") -> str:
    return f"@{kind}\ndef {name}() -> bool:\n    return {formula}\n"


# --- deadlock -------------------------------------------------------------------------------------

FOREVER = (
    "@process(daemon=True)\ndef forever() -> None:\n    while True:\n        wait_until(g.go)\n"
)


def test_nobody_can_go_on_and_somebody_has_not_ended_is_a_deadlock() -> None:
    assert verdict(run("wait_until(g.go)")) == "deadlock"
    assert verdict(run("wait_until(g.go)", "g.go = True")) == "holds"
    found = trace(run("g.n = 1\nwait_until(g.go)", "g.m = 1"))
    assert (found.violation.kind, len(found.events)) == ("deadlock", 2)


def test_as_long_as_somebody_can_go_on_there_is_no_deadlock() -> None:
    assert verdict(run("wait_until(g.go)", "while True:\n    g.n = 0")) == "holds"


def test_a_daemon_may_wait_for_ever() -> None:
    assert verdict(run("g.n = 1", more=FOREVER, begin="start(forever)")) == "holds"
    stuck = run("g.n = 1\nwait_until(g.n == 2)", more=FOREVER, begin="start(forever)")
    assert verdict(stuck) == "deadlock"


def test_an_action_that_can_still_happen_is_no_deadlock() -> None:
    action = "@action\ndef press() -> None:\n    wait_until({})\n    g.go = True\n"
    assert verdict(run("wait_until(g.go)", more=action.format("not g.go"))) == "holds"
    assert verdict(run("wait_until(g.go)", more=action.format("g.n == 1"))) == "deadlock"
    alone = run(more=action.format("not g.go"))
    assert verdict(alone) == "holds"  # there is nobody who has to end


def test_two_locks_in_two_orders_deadlock() -> None:
    take = "with atomic():\n    wait_until(g.{0} == 0)\n    g.{0} = 1\n"
    both = take.format("n") + take.format("m") + "g.m = 0\ng.n = 0"
    other = take.format("m") + take.format("n") + "g.m = 0\ng.n = 0"
    found = trace(run(both, other))
    assert (found.violation.kind, len(found.events)) == ("deadlock", 2)
    assert verdict(run(both, both)) == "holds"


# --- leaks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = Page()", "leak"),
        ("x = Page()\nfree(x)", "holds"),
        ("x = Page()\ng.p = x", "holds"),
        ("x = Page()\ng.p = x\ng.p = None", "leak"),
        ("x = Page()\ny = Page(next=x)\ng.p = y", "holds"),
        ("x = Page()\ny = Page(next=x)\nx.next = y", "leak"),
        ("x = Page()\ng.q.next = x", "holds"),
        ("x = Page()\ny = Page(next=x)\ng.p = y\nfree(y)", "leak"),
        ("x = Page()\ng.p = x\ny = Page()\nx.next = y\nx.next = None", "leak"),
    ],
)
def test_an_object_that_nothing_leads_to_is_lost(code: str, expected: str) -> None:
    assert verdict(run(code, begin="g.q = Page()")) == expected


def test_what_setup_made_is_never_lost() -> None:
    assert verdict(run("g.q = None", begin="g.q = Page()\nPage()")) == "holds"


def test_a_leak_is_told_when_all_have_ended() -> None:
    found = trace(run("x = Page()\ng.n = 1", "g.m = 1"))
    assert (found.violation.kind, len(found.events)) == ("leak", 3)


def test_what_a_daemon_is_at_work_on_is_not_lost() -> None:
    worker = (
        "@process(daemon=True)\ndef worker() -> None:\n    while True:\n"
        "        wait_until(g.p is not None)\n        x = xchg(g.p, None)\n"
        "        if x is not None:\n            x.k = 1\n            free(x)\n"
    )
    assert verdict(run("g.p = Page()", more=worker, begin="start(worker)")) == "holds"
    careless = worker.replace("free(x)", "x = None")
    assert verdict(run("g.p = Page()", more=careless, begin="start(worker)")) == "leak"


# --- steps and setups that do not end -------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind", "expected"), [("x = None", "leak"), ("pass", "leak"), ("x.k = 1", "holds")]
)
def test_what_a_daemon_will_not_look_at_again_is_lost(behind: str, expected: str) -> None:
    more = (
        "@process(daemon=True)\ndef worker() -> None:\n    x: Page | None = Page()\n"
        f"    g.n = 1\n    wait_until(g.go)\n    {behind}\n"
    )
    assert verdict(run("wait_until(g.n == 1)", begin="start(worker)", more=more)) == expected


def test_a_step_that_does_not_end_is_a_violation() -> None:
    assert verdict(run("with atomic():\n    while g.n == 0:\n        pass")) == "endless-step"


def test_setup_may_choose_where_runs_begin() -> None:
    text = run("g.m = g.n", begin="g.n = choose(1, 2, 3)")
    whole, _ = system(text)
    assert len(whole.initial) == 3
    result = explore(text + law("g.m != 3", "finally_"))
    assert told(result) == "law"
    assert explore(text).label.statistics.states == 3 * 3  # a load and a store, for each
    both = run("g.m = 1", begin="g.n = choose(1, 2)\ng.m = choose(3, 4)")
    assert len(system(both)[0].initial) == 4
    assert explore(both).label.statistics.states == 4 + 2
    same = run("g.m = 1", begin="g.n = choose(1, 1, 1)")
    assert explore(same).label.statistics.states == 2


def test_a_violation_in_any_beginning_is_found() -> None:
    text = run("assert g.n != 2", begin="g.n = choose(1, 2, 3)")
    found = trace(text)
    assert found.violation.kind == "assertion"
    assert found.witness[0] == 1


@pytest.mark.parametrize("begin", ["assert g.n == 1", "g.p.k = 1", "free(Page())\nx = g.p.k"])
def test_a_setup_that_goes_wrong_is_refused(begin: str) -> None:
    with pytest.raises(Exception, match="K091"):
        explore(run(begin=begin))


# --- budgets --------------------------------------------------------------------------------------

CHAIN = "g.n = 1\ng.n = 2\ng.n = 3\ng.n = 4"
SEARCHES = {
    "states": Budget(states=2),
    "depth": Budget(depth=2),
    "seconds": Budget(seconds=0.0),
    "bytes": Budget(bytes=1),
}


@pytest.mark.parametrize("budget", SEARCHES.values(), ids=SEARCHES)
def test_a_search_that_stops_early_is_unknown(budget: Budget) -> None:
    result = explore(run(CHAIN) + law("g.n != 4"), Options(budget=budget))
    assert result.outcome == "unknown"
    assert all(isinstance(v, Unknown) for v in result.verdicts)
    assert result.label.stopped is not None


def test_a_violation_within_the_budget_is_found_all_the_same() -> None:
    text = run(CHAIN) + law("g.n != 2")
    assert verdict(text, Options(budget=Budget(depth=2))) == "law"
    assert verdict(text, Options(budget=Budget(depth=1))).startswith("unknown")
    assert verdict(run(CHAIN), Options(budget=Budget(states=5))) == "holds"
    assert verdict(run(CHAIN), Options(budget=Budget(states=4))).startswith("unknown")


def test_what_is_violated_before_the_search_stops_is_violated() -> None:
    text = run(CHAIN) + law("g.n != 1") + law("g.n != 4", name="late")
    result = explore(text, Options(every=True, budget=Budget(depth=2)))
    kinds = {v.property: type(v) for v in result.verdicts}
    assert (kinds["law"], kinds["late"]) == (Violated, Unknown)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_search_is_unknown(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Machine.steps_of
    calls = []

    def interrupted(self: Machine, state: tuple[object, ...], number: int) -> object:
        calls.append(number)
        if len(calls) > 3:
            raise error
        return taken(self, state, number)

    monkeypatch.setattr(Machine, "steps_of", interrupted)
    result = explore(run(CHAIN))
    assert result.outcome == "unknown"
    assert not [v for v in result.verdicts if isinstance(v, Holds)]


def test_an_interrupted_report_is_unknown_too() -> None:
    def report(progress: Progress) -> None:
        raise KeyboardInterrupt

    result = verify(source(run(CHAIN)), Options(), report)
    assert (result.outcome, result.label.stopped) == ("unknown", "interrupted")


# --- what was asked for ---------------------------------------------------------------------------


def test_one_property_is_judged_alone() -> None:
    text = run("g.n = 1\ng.n = 2") + law("g.n != 1", name="first") + law("g.n != 2", name="second")
    assert verdict(text, Options(properties=("second",))) == "second"
    found = [v for v in explore(text, Options(every=True)).verdicts if isinstance(v, Violated)]
    assert [(v.property, len(v.trace.events)) for v in found] == [("first", 1), ("second", 2)]
    first = explore(text)
    assert [v.property for v in first.verdicts if isinstance(v, Violated)] == ["first"]
    assert not [v for v in first.verdicts if isinstance(v, Holds)]


def test_nothing_holds_that_may_lie_behind_another_violation() -> None:
    text = run("x = g.p.k\ng.n = 1") + law("g.n == 0")
    asked = explore(text, Options(properties=("law",)))
    assert told(asked) == "unknown: runs are not followed beyond null-deref"
    every = {v.property: type(v) for v in explore(text, Options(every=True)).verdicts}
    assert (every["null-deref"], every["law"]) == (Violated, Unknown)


@pytest.mark.parametrize("name", ["deadlock", "leak", "late_use"])
def test_a_property_is_not_called_as_a_violation_is(name: str) -> None:
    text = run("check(g.n == 0, 'late_use')")
    assert refusal(text + law("True", name=name)) == "K084"
    assert refusal(text + law("True", name="ours")) == "none"


def test_the_label_tells_for_what_it_was_found() -> None:
    text = "SIZE = bound(2, 'how many')\nFIX = choice(True, 'is it fixed')\n" + run(
        "for _ in range(SIZE):\n    g.n = 1\nif not FIX:\n    assert g.n == 0"
    )
    label = explore(text).label
    assert label.bounds == (("SIZE", "2"),)
    assert label.changed == ()
    assert label.statistics.states == 3
    broken = explore(text, Options(settings={"FIX": "no", "SIZE": 3}))
    assert told(broken) == "assertion"
    assert broken.label.changed == (("SIZE", "3"), ("FIX", "no"))
