"""Two engines on one system: what they agree on is told, and what they do not is a bug of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kmcheck import shelf
from kmcheck.audit import Said, difference
from kmcheck.cli import OUR_BUG, run
from kmcheck.diagnostics import UsageError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Engine, Progress, Question
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Claim, Finding, Unexercised, Witness
from tests.language import program, source

ROOT = Path(__file__).resolve().parent.parent
WHOLE = ("--no-reduce", "all")
SPEC = str(ROOT / "specs" / "classic" / "peterson.py")
TAKE = shelf.take

EQUAL = "audited against the reference engine: equal verdicts, counts and traces"


class Changed:
    """An engine with a bug: what another one finds, changed."""

    def __init__(self, name: str, change: Callable[[Finding], Finding]) -> None:
        self.name = name
        self.change = change

    def search(
        self,
        system: TransitionSystem,
        question: Question,
        solver: Solver,
        budget: Budget,
        report: Callable[[Progress], None],
    ) -> Finding:
        engine: Engine = TAKE("engines", self.name, "ENGINE")
        return self.change(engine.search(system, question, solver, budget, report))


def put(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Finding], Finding], name: str = "native"
) -> None:
    """Put an engine that is changed in the place of one that is not."""

    def take(where: str, what: str, constant: str) -> object:
        changed = (where, what) == ("engines", name)
        return Changed(name, change) if changed else TAKE(where, what, constant)

    monkeypatch.setattr(shelf, "take", take)


def counting(**changed: Any) -> Callable[[Finding], Finding]:  # noqa: ANN401 - as `replace`
    return lambda f: replace(f, statistics=replace(f.statistics, **changed))


def violated(arguments: list[str]) -> list[str]:
    return ["verify", SPEC, "-D", "ANNOUNCE_FIRST=no", "--no-counterexamples", *WHOLE, *arguments]


def longer(found: Finding) -> Finding:
    (claim,) = found.claims
    return replace(
        found, claims=(replace(claim, witness=replace(claim.witness, steps=((0, ()),) * 8)),)
    )


def elsewhere(found: Finding) -> Finding:
    (claim,) = found.claims
    *steps, (process, _) = claim.witness.steps
    steps.append((process, (1,)))
    return replace(
        found, claims=(replace(claim, witness=replace(claim.witness, steps=tuple(steps))),)
    )


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize(
    "spec", ["classic/peterson", "kmemcg/reparent_caches", "kmemcg/move_slabs"]
)
def test_engines_that_agree_are_told_of_on_the_label(
    engine: str, spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(ROOT / "specs" / f"{spec}.py")
    assert run(["verify", path, "--engine", engine, *WHOLE, "--audit"]) == 0
    other = "reference" if engine == "native" else "native"
    told = " ".join(capsys.readouterr().out.split())
    assert f"audited against the {other} engine: equal verdicts, counts and traces" in told
    assert told.endswith("--audit")


def test_without_the_flag_no_other_engine_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, counting(states=1))
    assert verify(read(SPEC), Options()).label.audit == ""


@pytest.mark.parametrize("chosen", ["native", "reference"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (counting(states=1002, transitions=3), "states: reference 44, native 1,002"),
        (counting(transitions=87), "transitions: reference 88, native 87"),
        (counting(depth=9), "depth: reference 8, native 9"),
        (counting(terminal_states=1), "terminal states: reference 0, native 1"),
        (
            counting(bound_reached=("Page",)),
            "what bound was reached: reference nothing, native Page",
        ),
        (
            counting(judged={"mutual_exclusion": 0}),
            "what was never asked for: reference nothing, native mutual_exclusion",
        ),
        (
            lambda f: replace(f, claims=(Claim("deadlock", Witness(0, ())),)),
            "what is violated: reference nothing, native deadlock",
        ),
        (
            lambda f: replace(f, complete=False),
            "why the search ended: reference all was seen, native answered",
        ),
        (
            lambda f: replace(f, undefined=(("mutual_exclusion", "null-deref"),)),
            "what cannot be evaluated: reference nothing, native mutual_exclusion (null-deref)",
        ),
    ],
)
def test_engines_that_disagree_are_a_bug_that_both_are_named_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    chosen: str,
    change: Callable[[Finding], Finding],
    told: str,
) -> None:
    put(monkeypatch, change)
    command = ["verify", SPEC, "--engine", chosen, *WHOLE, "--audit"]
    said = complaint(command, capsys)
    assert said[0].endswith(f"please report it with the spec: the engines disagree on {told}")
    assert (
        said[1]
        == f"  to reproduce:  kmcheck verify {SPEC} --engine {chosen} --no-reduce all --audit"
    )


def complaint(command: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert run(command) == OUR_BUG
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.splitlines()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (longer, "reference 7 steps, native 8 steps"),
        (elsewhere, "step 7, reference process 0 with [], native process 0 with [1]"),
    ],
)
def test_another_run_to_the_same_violation_is_a_disagreement(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Finding], Finding],
    told: str,
) -> None:
    assert run(violated(["--audit"])) == 1
    capsys.readouterr()
    put(monkeypatch, change)
    assert f"the run to mutual_exclusion: {told}" in complaint(violated(["--audit"]), capsys)[0]


def test_what_was_never_run_is_compared() -> None:
    found = finding(SPEC)
    missing = Unexercised("is never true", compile_spec(read(SPEC)).properties[0].span)
    other = counting(unexercised=(missing,))(found)
    told = difference(Said("reference", found), Said("native", other))
    assert told == (
        f"what was never run: reference nothing, native {missing.span.where} is never true"
    )


def finding(path: str, budget: Budget | None = None) -> Finding:
    system = build(compile_spec(read(path)), Solver().holds)
    engine: Engine = TAKE("engines", "reference", "ENGINE")
    return engine.search(system, Question(), Solver(), budget or Budget(), lambda _: None)


def audited(engine: str, budget: Budget) -> str:
    return verify(read(SPEC), Options(engine=engine, budget=budget, audit=True)).label.audit


def test_a_search_that_was_cut_short_is_not_called_audited() -> None:
    stopped = "not audited: the reference engine stopped, 40 states reached"
    assert audited("reference", Budget(states=40)) == stopped
    assert audited("native", Budget(seconds=0)).startswith("not audited: the native engine")


def test_a_depth_is_reached_by_both_alike() -> None:
    assert audited("native", Budget(depth=3)) == EQUAL


def cut(**changed: int) -> Callable[[Finding], Finding]:
    return lambda f: replace(
        counting(**changed)(f), stopped="7 seconds are over", complete=False, cut="budget"
    )


def test_a_second_engine_that_is_cut_short_changes_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(monkeypatch, cut(states=40), "reference")
    assert run(["verify", SPEC, "--engine", "native", *WHOLE, "--audit"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "peterson: HOLDS" in told
    assert "not audited: the reference engine stopped, 7 seconds are over" in told
    assert "audited against" not in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (cut(states=45), "states: reference 45, native 44"),
        (cut(depth=9), "depth: reference 9, native 8"),
        (
            lambda f: replace(cut()(f), claims=(Claim("deadlock", Witness(0, ())),)),
            "what is violated: reference deadlock, native nothing",
        ),
    ],
)
def test_a_search_that_was_cut_short_cannot_have_found_more(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Finding], Finding],
    told: str,
) -> None:
    put(monkeypatch, change, "reference")
    command = ["verify", SPEC, "--engine", "native", *WHOLE, "--audit"]
    assert complaint(command, capsys)[0].endswith(f"the engines disagree on {told}")


def test_an_engine_that_refuses_a_spec_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Finding) -> Finding:
        raise UsageError("this is too wide")

    put(monkeypatch, refuse)
    said = audited("reference", Budget())
    assert said == "not audited: the native engine cannot explore this: this is too wide"


UNDECIDED = program(
    "used: Counter\nn: Annotated[int, range(8)]",
    "g.n = 1 if g.used.is_zero() else 2",
    more="class Page(Object):\n    size: Size\n",
    begin="a = Page()\nb = Page()\ng.used.add(a.size)\ng.used.sub(b.size)",
)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_where_sizes_would_have_to_decide_nothing_is_compared(engine: str) -> None:
    label = verify(source(UNDECIDED), Options(engine=engine, audit=True)).label
    assert (label.stopped or "").startswith("a comparison depends on the sizes")
    both = "not audited: both engines stopped where a comparison depends on the sizes"
    assert label.audit == both


def test_an_engine_that_alone_cannot_decide_disagrees() -> None:
    found = finding(SPEC)
    open_ = replace(found, cut="undecided", stopped="it depends on the sizes", complete=False)
    told = difference(Said("reference", found), Said("native", open_))
    ended = "reference all was seen, native it depends on the sizes"
    assert told == f"why the search ended: {ended}"
