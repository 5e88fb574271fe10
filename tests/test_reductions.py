"""A reduction changes no verdict, and one that did would be noticed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from kmcheck import telling
from kmcheck.diagnostics import UsageError
from kmcheck.driver import Options, verify, violations
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.expected import Expectation
from kmcheck.formats.text import command, headline
from kmcheck.frontend import read
from kmcheck.ir.program import Property
from kmcheck.protocols import Question
from kmcheck.reduce.merge.merging import Steps
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import ALL, Budget, Checkpoints, Result, Violated
from tests import random_programs
from tests.endless import GROWS, ROUNDS
from tests.language import source, system
from tests.mutants import MUTANTS, Mutant
from tests.random_programs import about_runs, on_random_programs
from tests.reducible import SUITE
from tests.reducing import (
    EVERY,
    NAMES,
    built,
    compare,
    compare_large,
    is_small,
    named,
    reduced,
    search,
    small_checks,
    verdict,
)

CHECKS = small_checks()
SHOWN = {Path(check.spec).stem: check for check in CHECKS if check.verdict != "holds"}
"""The last check of each table in which something is violated."""

NONE: frozenset[str] = frozenset()
QUESTIONS = (EVERY, Question(frozenset({"null-deref"}), every=True))


@cache
def of(name: str) -> TransitionSystem:
    return system(SUITE[name])[0]


# --- the same verdicts ---------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS, ids=named)
def test_reductions_change_no_verdict_of_a_spec(check: Expectation) -> None:
    found = built(check)
    if is_small(found):
        compare(found)
    else:
        compare_large(found)


@pytest.mark.parametrize("name", SUITE)
def test_reductions_change_no_verdict_of_what_was_made_for_them(name: str) -> None:
    own = {prop.name for prop in of(name).program.properties}
    told = {claim.violation for claim in search(of(name)).claims}
    compare(of(name))
    for violation in sorted(own | told | {"leak", "null-deref"}):
        compare(of(name), Question(frozenset({violation})))


@pytest.mark.parametrize("batch", range(2))
def test_reductions_change_no_verdict_of_a_random_program(batch: int) -> None:
    def same(text: str) -> None:
        found = random_programs.built(text)
        if found is not None:
            known = violations(found[0].program)
            compare(found[0])
            compare(found[0], Question(frozenset({known[len(text) % len(known)]}), every=True))

    on_random_programs(1300 + batch, 30, same)


RUNS = Question(every=True, endless=True)


@pytest.mark.parametrize("batch", range(2))
def test_reductions_change_nothing_about_runs_that_never_end(batch: int) -> None:
    seen: set[str] = set()

    def same(text: str) -> None:
        found = random_programs.built(about_runs(text))
        if found is not None:
            names = [p.name for p in found[0].program.properties]
            for question in (RUNS, replace(RUNS, wanted=frozenset({"livelock", *names[:1]}))):
                seen.update(compare(found[0], question))

    on_random_programs(1500 + batch, 30, same)
    assert seen & {"livelock", "starvation"}


@pytest.mark.parametrize("name", ROUNDS)
def test_a_round_comes_back_in_the_whole_system(name: str) -> None:
    text = ROUNDS[name]
    found = verify(source(text), Options(endless=True, without=NONE))
    plain = verify(source(text), Options(endless=True))
    assert bool(found.label.reductions) == (name not in {"SEEN_ONCE", "TRIGGERED"})
    assert {v.property: type(v) for v in found.verdicts} == {
        v.property: type(v) for v in plain.verdicts
    }


@pytest.mark.parametrize(
    ("name", "where", "attribute", "instead"),
    [
        ("SEEN_ONCE", Steps, "is_invisible", lambda *_: True),
        ("TRIGGERED", Property, "asks", property(lambda prop: (prop.formula,))),
    ],
)
def test_a_reduction_that_loses_a_run_is_caught(
    name: str, where: type, attribute: str, instead: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = system(ROUNDS[name])
    compare(found, RUNS)
    monkeypatch.setattr(where, attribute, instead)
    with pytest.raises(AssertionError):
        compare(found, RUNS)


def test_a_round_that_never_comes_back_is_looked_for_without_reductions() -> None:
    options = Options(endless=True, without=NONE, budget=Budget(states=500))
    result = verify(source(GROWS), options)
    assert result.label.reductions == ()
    assert result.outcome == "unknown"


def test_the_engines_agree_on_what_is_reduced() -> None:
    def agree(text: str) -> None:
        found = random_programs.built(text)
        less, notes = reduced(found[0], NAMES) if found is not None else (None, ())
        if less is not None and notes:
            one, other = (
                engine.search(less, EVERY, Solver(), Budget(states=500), lambda _: None)
                for engine in (REFERENCE, NATIVE)
            )
            assert one.claims == other.claims
            if one.complete:
                assert one.statistics.states == other.statistics.states

    on_random_programs(1400, 30, agree)


@pytest.mark.parametrize("reduction", NAMES)
def test_what_is_reduced_already_stays_as_it_is(reduction: str) -> None:
    for name in SUITE:
        once, _ = reduced(of(name), [reduction])
        assert reduced(once, [reduction]) == (once, ()), name


# --- what is wrong is noticed --------------------------------------------------------------------


@cache
def whole(name: str, question: Question) -> object:
    return verdict(search(of(name), question))


@pytest.mark.parametrize(
    ("reduction", "mutant"),
    [(reduction, mutant) for reduction, _, mutant in MUTANTS],
    ids=[f"{reduction}: {what}" for reduction, what, _ in MUTANTS],
)
def test_a_reduction_without_one_of_its_conditions_is_caught(
    reduction: str, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [(name, question) for name in SUITE for question in QUESTIONS]
    answers = {(name, question): whole(name, question) for name, question in asked}
    monkeypatch.setattr(mutant.where, mutant.attribute, mutant.instead)
    assert any(
        verdict(search(reduced(of(name), [reduction], question)[0], question)) != answer
        for (name, question), answer in answers.items()
    )


# --- what is shown -------------------------------------------------------------------------------


def shown(result: Result) -> list[object]:
    found = [v for v in result.verdicts if isinstance(v, Violated)]
    return [(v.property, v.trace.witness, v.shortest) for v in found]


@pytest.mark.parametrize("check", SHOWN.values(), ids=list(SHOWN))
def test_the_runs_shown_are_those_of_the_whole_system(check: Expectation) -> None:
    text = read(check.spec)
    plain = verify(text, Options(check.settings))
    assert shown(verify(text, Options(check.settings, without=NONE))) == shown(plain)


def test_a_run_that_may_not_be_shortest_is_confirmed_and_not_called_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling, "LEAST", 1)
    monkeypatch.setattr(telling, "TIMES", 0)
    result = verify(source(SUITE["TOO_LATE"]), Options(without=NONE))
    assert [v.shortest for v in result.verdicts if isinstance(v, Violated)] == [False]
    assert "shortest" not in headline(result)


def test_only_the_search_of_the_reduced_system_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept: list[str | None] = []
    given = type(NATIVE).search

    def watched(*args: object) -> object:
        kept.extend(a.checkpoints.keep for a in args if isinstance(a, Budget))
        return given(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(NATIVE), "search", watched)
    budget = Budget(checkpoints=Checkpoints(keep=str(tmp_path / "kept")))
    options = Options(engine="native", budget=budget, without=NONE)
    assert verify(source(SUITE["TOO_LATE"]), options).outcome == "violated"
    assert kept == [str(tmp_path / "kept"), None]


def test_the_label_says_what_each_reduction_did_and_how_to_do_it_again() -> None:
    label = verify(source(SUITE["UNREAD"]), Options(without=frozenset({"dead", "merge"}))).label
    assert "slice (2 fields, 2 variables)" in label.reductions
    assert label.left_out == ("dead", "merge")
    assert command(label).replace("\\", "").split()[-4:] == [
        "--no-reduce",
        "dead",
        "--no-reduce",
        "merge",
    ]


@pytest.mark.parametrize(
    ("budget", "flags"),
    [
        (Budget(states=3), "--max-states 3"),
        (Budget(depth=0), "--max-depth 0"),
        (Budget(states=3, depth=9, seconds=90), "--max-states 3 --max-depth 9 --timeout 90s"),
        (Budget(states=3, seconds=7200.0), "--max-states 3 --timeout 2h"),
        (Budget(states=3, seconds=0.5), "--max-states 3 --timeout 0.5s"),
        (Budget(states=3, bytes=2**40, wanted_bytes=3 * 2**39), "--max-states 3 --memory 1536G"),
        (Budget(states=3, bytes=2**40), "--max-states 3"),
        (Budget(states=10**9, bytes=2**40), ""),
    ],
)
def test_the_limits_of_a_search_that_was_given_up_are_part_of_the_command(
    budget: Budget, flags: str
) -> None:
    label = verify(source(SUITE["UNREAD"]), Options(budget=budget, without=ALL)).label
    assert bool(label.stopped) is bool(flags)
    named, _, limits = command(label).replace("\\\n", " ").partition(" --no-reduce all")
    assert (named, limits.split()) == ("kmcheck verify spec.py --engine reference", flags.split())


def test_a_reduction_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no reduction `slise`"):
        verify(source(SUITE["UNREAD"]), Options(without=frozenset({"slise"})))
