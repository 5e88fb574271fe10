"""What must be true of a spec, as its .toml says; and whether it is."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kmcheck import evidence
from kmcheck.batch import Ledger, Task, done
from kmcheck.diagnostics import SpecError, UsageError, show
from kmcheck.driver import Options, verify
from kmcheck.frontend import read
from kmcheck.frontend.hints import did_you_mean
from kmcheck.verdict import ALL, Budget, Result, Violated

KEYS = ("choices", "bounds", "property", "verdict", "states", "depth", "steps", "source", "why")


SIZES = ("states", "depth")
"""What there is less of with reductions."""

HOLDS = "holds"
"""The verdict where nothing is violated."""

NO_SPEC = "no spec"
"""What a check finds where the spec does not compile."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One check of a spec: for these settings, this verdict, and how large and how long."""

    spec: str
    settings: dict[str, int | bool | str]
    verdict: str
    property: str | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    """`states`, `depth`, `steps`: those that are given are to be met exactly."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check came to: `wrong` lists what is not as expected."""

    expectation: Expectation
    found: str
    wrong: tuple[str, ...]


def tables(paths: list[str]) -> list[str]:
    """Return the specs among files and folders that have a table beside them, each once.

    A table stands for the spec beside it.

    Raises:
        UsageError: a path is not there, or a file has no table.
    """
    found: list[str] = []
    for named in map(Path, paths):
        path = named.with_suffix(".py") if named.suffix == ".toml" else named
        if path.is_dir():
            found += [str(p) for p in sorted(path.rglob("*.py")) if p.with_suffix(".toml").exists()]
        elif not path.exists():
            raise UsageError(f"there is no {path}")
        elif not path.with_suffix(".toml").exists():
            raise UsageError(
                f"{path} has no table of expected verdicts", f"write {path.with_suffix('.toml')}"
            )
        else:
            found.append(str(path))
    if not found:
        raise UsageError("there is no spec with a table of expected verdicts here")
    return list(dict.fromkeys(found))


def expectations(spec: str) -> list[Expectation]:
    """Read the table beside a spec.

    Raises:
        UsageError: it is not as it should be.
    """
    path = Path(spec).with_suffix(".toml")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None
    checks = content.get("check", [])
    unknown = set(content) - {"source", "bugs", "check"}
    if unknown or not isinstance(checks, list) or not checks:
        hint = 'a table is `source = "..."` and one [[check]] after the other'
        raise UsageError(f"{path} is no table of expected verdicts", hint)
    return [_expectation(path, spec, number, check) for number, check in enumerate(checks, start=1)]


def _expectation(path: Path, spec: str, number: int, check: Any) -> Expectation:  # noqa: ANN401 - TOML may be anything
    where = f"{path}: check {number}"
    if not isinstance(check, dict):
        raise UsageError(f"{where} is no table")
    for key in check:
        if key not in KEYS:
            raise UsageError(f"{where} has an unknown key `{key}`", did_you_mean(key, KEYS))
    if not isinstance(check.get("verdict"), str):
        raise UsageError(
            f"{where} has no verdict", 'write `verdict = "holds"`, or the violation\'s name'
        )
    settings: dict[str, int | bool | str] = {}
    for group in ("choices", "bounds"):
        given = check.get(group, {})
        if not isinstance(given, dict) or not all(isinstance(v, int | str) for v in given.values()):
            raise UsageError(f"{where}: `{group}` is no table of settings")
        settings |= given
    numbers = {key: check[key] for key in ("states", "depth", "steps") if key in check}
    if not all(type(value) is int for value in numbers.values()):
        raise UsageError(f"{where}: states, depth and steps are whole numbers")
    return Expectation(spec, settings, check["verdict"], check.get("property"), numbers)


def meet(
    expectation: Expectation,
    engine: str,
    budget: Budget,
    keep_in: Path | None = None,
    without: frozenset[str] = ALL,
) -> Outcome:
    """Verify a spec as a check says, and compare; keep its counterexamples if a folder is given.

    The numbers in tables are those of a search without reductions.
    """
    try:
        options = asked(expectation, engine, budget, without)
        options = replace(options, readable=keep_in is not None)
        result = verify(read(expectation.spec), options).uninterrupted()
    except SpecError as error:
        return Outcome(expectation, NO_SPEC, tuple(show(d) for d in error.diagnostics))
    except UsageError as error:
        return Outcome(expectation, "nothing", (error.message,))
    if keep_in is not None:
        evidence.keep_all(result, keep_in)
    return compared(expectation, result)


def asked(
    expectation: Expectation, engine: str, budget: Budget, without: frozenset[str] = ALL
) -> Options:
    """Return how a check wants its spec to be verified."""
    wanted = (expectation.property,) if expectation.property else ()
    return Options(expectation.settings, wanted, engine, budget, without=without)


def compared(expectation: Expectation, result: Result) -> Outcome:
    """Say whether a result is as a check expects it."""
    found, numbers = _found(result)
    wrong = _wrong_verdict(found, expectation.verdict, [v.property for v in result.verdicts])
    for key, value in expectation.numbers.items():
        if numbers.get(key) != value:
            there = numbers.get(key)
            wrong.append(
                f"{key} is {there}, expected {value}"
                if there is not None
                else f"there are no {key} to count"
            )
            if set(result.label.left_out) == ALL and there is not None and key in SIZES:
                wrong[-1] += " (counted without reductions, unlike `verify`)"
    told = ", ".join(f"{value:,} {key}" for key, value in numbers.items() if key != "depth")
    return Outcome(expectation, f"{found}, {told}", tuple(wrong))


def _wrong_verdict(found: str, wanted: str, names: list[str]) -> list[str]:
    """Return what is not as expected of a verdict; say so where no verdict is called like that."""
    if found == wanted:
        return []
    told = f"verdict is {found}, expected {wanted}"
    known = [HOLDS, *names]
    if wanted in known or wanted.startswith("unknown"):
        return [told]
    hint = did_you_mean(wanted, known)
    return [f"{told}, which is no verdict: {hint or 'write `holds` or its name'}"]


def meet_all(
    checks: list[Expectation],
    engine: str,
    budget: Budget,
    keep_in: Path | None,
    jobs: int,
    without: frozenset[str] = ALL,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Outcome]:
    """Meet several checks, `jobs` at once; the outcomes are in the order of the checks."""
    found: dict[int, Outcome] = {}
    report(0, len(checks))
    if jobs == 1 or len(checks) == 1:
        for number, check in enumerate(checks):
            found[number] = meet(check, engine, budget, keep_in, without)
            report(len(found), len(checks))
        return list(found.values())
    tasks = [
        Task(number, str(number), meet, (check, engine, budget, keep_in, without))
        for number, check in enumerate(checks)
    ]
    with closing(done(tasks, min(jobs, len(checks)), Ledger(None, Outcome))) as ended:
        for number, outcome in ended:
            found[number] = outcome
            report(len(found), len(checks))
    return [found[number] for number in range(len(checks))]


def _found(result: Result) -> tuple[str, dict[str, int]]:
    violated = [v for v in result.verdicts if isinstance(v, Violated)]
    if violated:
        return violated[0].property, {"steps": len(violated[0].trace.events)}
    seen = result.label.statistics
    if result.outcome == "unknown":
        return f"unknown ({result.label.stopped})", {}
    return HOLDS, {"states": seen.states, "depth": seen.depth}
