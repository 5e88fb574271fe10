"""Verifies all that a review asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from kmcheck.batch import Ledger, Task
from kmcheck.batch import done as in_processes
from kmcheck.coverage import Coverage, covered
from kmcheck.diagnostics import UsageError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec, read
from kmcheck.frontend.hints import did_you_mean
from kmcheck.frontend.settings import Wanted
from kmcheck.ir.program import Program
from kmcheck.necessity import Necessity, NothingHeldError, judge
from kmcheck.prevention import Prevention, prevention
from kmcheck.review.places import named
from kmcheck.review.plan import Design, Plan, Run
from kmcheck.sweep import Sweep, axes, sweep
from kmcheck.verdict import ENGINE, WITHOUT, Budget, Result, Violated

TOGETHER = 2
"""How many changes are made together at the most, to prevent a violation."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many to verify at once, and where mutants are kept that were verified before.

    `bytes` is for all together. No time is limited: the same files are to come of it anywhere.
    """

    jobs: int = 1
    bytes: int | None = None
    known: Path | None = None
    report: Callable[[int, int], None] = lambda _done, _all: None

    @property
    def share(self) -> int | None:
        """How much memory one of them may have."""
        return None if self.bytes is None else self.bytes // self.jobs


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the plan, the program it was of, what came of it, and what would have prevented it.

    That is None if nothing was violated, or nobody asked.
    """

    run: Run
    program: Program
    result: Result
    prevention: Prevention | None = None

    @property
    def violated(self) -> tuple[Violated, ...]:
        """What was violated."""
        return tuple(v for v in self.result.verdicts if isinstance(v, Violated))


@dataclass(frozen=True, slots=True)
class Studied:
    """A design, and all that came of it. The first run is what was covered.

    `necessity` is None if it was not asked for, and where the design does not hold to begin with.
    """

    design: Design
    runs: tuple[Ran, ...]
    coverage: Coverage
    necessity: Necessity | None
    sweep: Sweep | None


@dataclass(frozen=True, slots=True)
class Study:
    """All that came of a plan."""

    plan: Plan
    designs: tuple[Studied, ...]


def study(plan: Plan, pace: Pace) -> Study:
    """Verify all that a plan asks for; the specs are named as from the current folder.

    Raises:
        SpecError: a spec is wrong.
        UsageError: a spec is not there, or has no such setting or property.
    """
    every = sum(
        2 * len(design.run) + (design.mutants is not None) + (design.sweep is not None)
        for design in plan.design
    )
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        pace.report(done, every)

    for design in plan.design:
        _refuse_unknown(design)
    pace.report(done, every)
    ran = _verified(plan, pace, step)
    return Study(plan, tuple(_studied(design, ran, pace, step) for design in plan.design))


def _verified(plan: Plan, pace: Pace, step: Callable[[], None]) -> Iterator[Ran]:
    """Return all runs of a plan, in their order; as many at once as is wanted."""
    asked = [(read(design.spec), run) for design in plan.design for run in design.run]
    found: dict[int, Result] = {}
    if pace.jobs == 1:
        for number, (source, run) in enumerate(asked):
            found[number] = verify(source, _asked(run, pace.share)).uninterrupted()
            step()
    else:
        tasks = [
            Task(number, str(number), verify, (source, _asked(run, pace.share)))
            for number, (source, run) in enumerate(asked)
        ]
        with closing(in_processes(tasks, pace.jobs, Ledger(None, Result))) as ended:
            for number, result in ended:
                found[number] = result.uninterrupted()
                step()
    return (
        Ran(run, compile_spec(source, dict(run.settings)), _timeless(found[number]))
        for number, (source, run) in enumerate(asked)
    )


def _asked(run: Run, most: int | None) -> Options:
    return replace(
        _options(run.settings, most, None),
        properties=run.properties, every=run.every, endless=run.liveness, races=run.races,
        readable=True,
    )  # fmt: skip


def _refuse_unknown(design: Design) -> None:
    """Refuse a design that asks for what its spec has not, before anything is verified.

    Raises:
        SpecError: the spec is wrong.
        UsageError: there is no such class or function, bound or choice.
    """
    source = read(design.spec)
    for run in design.run:
        compile_spec(source, dict(run.settings))
    known = named(source.text)
    for beside in design.beside:
        if beside.spec not in known:
            title = f"{design.spec} has no class or function `{beside.spec}`"
            raise UsageError(title, did_you_mean(beside.spec, known))
    if design.mutants is not None:
        compile_spec(source, dict(design.mutants.settings))
    if design.sweep is not None:
        if not design.sweep.values:
            raise UsageError(
                f"the sweep of {design.name} has no values", 'write values = { N = "1..3" }'
            )
        axes(source, design.sweep.values)


def _studied(design: Design, ran: Iterator[Ran], pace: Pace, step: Callable[[], None]) -> Studied:
    """Return what came of a design, whose runs are the next ones."""
    source = read(design.spec)
    runs = tuple(_prevented(one, pace, step) for one in islice(ran, len(design.run)))
    necessity = table = None
    if design.mutants is not None:
        options = _options(design.mutants.settings, pace.share, design.mutants.max_states)
        with suppress(NothingHeldError):
            necessity = judge(source, options, pace.jobs, pace.known)
        step()
    if design.sweep is not None:
        options = _options({}, pace.share, design.sweep.max_states)
        table = sweep(source, axes(source, design.sweep.values), options, pace.jobs)
        step()
    return Studied(design, runs, _covered(runs[0], pace), necessity, table)


def _prevented(ran: Ran, pace: Pace, step: Callable[[], None]) -> Ran:
    """Look for what would have prevented a violation."""
    found = None
    if ran.violated and ran.run.prevent != "nothing":
        found = prevention(
            ran.program.source,
            replace(_asked(ran.run, pace.share), readable=False),
            pace.jobs,
            TOGETHER,
            primitives=ran.run.prevent == "primitives",
            known=ran.result,
        )
    step()
    return replace(ran, prevention=found)


def _options(settings: Wanted, most: int | None, states: int | None) -> Options:
    budget = Budget(states=states, bytes=most)
    return Options(dict(settings), engine=ENGINE, budget=budget, without=WITHOUT, readable=False)


def _covered(first: Ran, pace: Pace) -> Coverage:
    """Return what the first run covers; where it ends at a violation, what all runs do."""
    result = first.result
    if first.violated and not first.run.every:
        options = replace(_options(first.run.settings, pace.bytes, None), every=True)
        result = _timeless(verify(first.program.source, options).uninterrupted())
    return covered(first.program, result)


def _timeless(result: Result) -> Result:
    """Leave out what varies from run to run."""
    return replace(result, seconds=0.0, peak_bytes=0)
