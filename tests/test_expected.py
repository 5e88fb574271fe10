"""Every spec's table of expected verdicts holds: each check is a test of its own."""

from pathlib import Path

import pytest

from kmcheck.diagnostics import UsageError
from kmcheck.expected import Expectation, expectations, meet, meet_all, tables
from kmcheck.verdict import Budget
from tests.designs import SHIPPED

ROOT = Path(__file__).parent.parent
FEW = 5000
"""States that the reference engine goes through while the native one would still compile."""

CHECKS = [check for spec in tables([str(ROOT / "specs")]) for check in expectations(spec)]


def _name(check: Expectation) -> str:
    given = ",".join(f"{name}={value}" for name, value in check.settings.items())
    return f"{Path(check.spec).parent.name}/{Path(check.spec).stem}[{given}]"


def _with_engines() -> list[tuple[Expectation, str]]:
    """Return checks with an engine, and those at the ends of a design's table with both.

    Of the bugs and of the designs that upstream shipped, which are long, only the ends are in it;
    of the other designs with counterexamples test_counterexamples asks them all anyway. That all
    rows hold, `kmcheck verify --expected specs` says in some ten minutes.

    The reference engine is the faster one where there are few states: it compiles nothing.
    """
    found: list[tuple[Expectation, str]] = []
    for spec in dict.fromkeys(check.spec for check in CHECKS):
        checks = [check for check in CHECKS if check.spec == spec]
        folder, shipped = Path(spec).parent.name, Path(spec).stem in SHIPPED
        ends = [checks[0], *checks[1:][-1:]]
        if shipped or folder == "bugs":
            checks = ends
        few = max(check.numbers.get("states", 0) for check in checks) <= FEW
        if folder == "kmemcg" and not shipped:
            found += [(check, "native") for check in ends]
            continue
        found += [(check, "reference" if few else "native") for check in checks]
        if folder == "classic":
            found += [(check, "native" if few else "reference") for check in ends]
    return found


@pytest.mark.parametrize(
    ("check", "engine"), [pytest.param(*c, id=f"{_name(c[0])}-{c[1]}") for c in _with_engines()]
)
def test_a_spec_is_as_its_table_says(check: Expectation, engine: str) -> None:
    outcome = meet(check, engine, Budget())
    assert not outcome.wrong


def test_every_spec_has_a_table_and_a_broken_twin() -> None:
    for spec in (ROOT / "specs").rglob("*.py"):
        if spec.stem.startswith("_"):
            continue
        checks = [check for check in CHECKS if Path(check.spec) == spec]
        assert any(check.verdict == "holds" for check in checks), f"{spec} never holds"
        assert any(check.verdict != "holds" for check in checks), f"{spec} has no broken twin"


def test_every_holding_check_states_its_exact_size() -> None:
    for check in CHECKS:
        wanted = {"states"} if check.verdict == "holds" else {"steps"}
        assert wanted <= set(check.numbers), f"{_name(check)} states no {wanted}"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("", "is no table of expected verdicts"),
        ("check = 3", "is no table of expected verdicts"),
        ("[[check]]", "check 1 has no verdict"),
        ('[[check]]\nverdict = "holds"\nstats = 3', "unknown key `stats`"),
        ('[[check]]\nverdict = "holds"\nstates = "3"', "whole numbers"),
        ('[[check]]\nverdict = "holds"\nchoices = 3', "`choices` is no table of settings"),
        ("[[check", "cannot read"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, table: str, complaint: str) -> None:
    spec = tmp_path / "spec.py"
    spec.write_text("")
    spec.with_suffix(".toml").write_text(table)
    with pytest.raises(UsageError, match=complaint):
        expectations(str(spec))


def test_an_unmet_expectation_says_what_was_found() -> None:
    spec = str(ROOT / "specs/classic/peterson.py")
    outcome = meet(Expectation(spec, {}, "deadlock", None, {"states": 1}), "reference", Budget())
    assert outcome.wrong[0] == "verdict is holds, expected deadlock"
    assert outcome.wrong[1].endswith("expected 1 (counted without reductions, unlike `verify`)")
    reduced = meet(
        Expectation(spec, {}, "holds", None, {"depth": 1}), "native", Budget(), None, frozenset()
    )
    assert reduced.wrong[0].endswith("expected 1")
    told = meet(Expectation(spec, {}, "deadlock", None, {"steps": 1}), "reference", Budget())
    assert told.wrong[1] == "there are no steps to count"


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ("hold", "verdict is holds, expected hold, which is no verdict: did you mean `holds`?"),
        (
            "dedlock",
            "verdict is holds, expected dedlock, which is no verdict: did you mean `deadlock`?",
        ),
        (
            "x",
            "verdict is holds, expected x, which is no verdict: write `holds` or its name",
        ),
        ("unknown (interrupted)", "verdict is holds, expected unknown (interrupted)"),
    ],
)
def test_a_verdict_that_there_is_not_is_told(verdict: str, told: str) -> None:
    spec = str(ROOT / "specs/classic/peterson.py")
    assert meet(Expectation(spec, {}, verdict), "reference", Budget()).wrong == (told,)


def test_a_check_that_is_cut_short_is_not_met() -> None:
    spec = str(ROOT / "specs/classic/peterson.py")
    outcome = meet(Expectation(spec, {}, "holds"), "reference", Budget(states=3))
    assert outcome.wrong
    assert "unknown" in outcome.found


def test_without_shared_memory_checks_are_met_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: int) -> None:
        raise PermissionError

    monkeypatch.setattr("kmcheck.batch.ProcessPoolExecutor", refuse)
    checks = expectations(str(ROOT / "specs" / "classic" / "peterson.py"))
    outcomes = meet_all(checks, "reference", Budget(), None, 2)
    assert [outcome.wrong for outcome in outcomes] == [()] * len(checks)
