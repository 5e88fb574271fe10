"""Verifies each cell of a table, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

from kmcheck import __version__, estimate
from kmcheck.batch import Ledger, Task, done
from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec
from kmcheck.protocols import Progress
from kmcheck.sweep.axes import Axis
from kmcheck.sweep.table import SKIPPED, WRONG, Cell, Measured, Sweep
from kmcheck.verdict import Violated


def sweep(
    source: Source,
    wanted: tuple[Axis, ...],
    options: Options,
    jobs: int,
    *,
    known: Path | None = None,
    skip: bool = False,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> Sweep:
    """Verify a spec with each combination of values.

    Args:
        source: the spec.
        wanted: the axes.
        options: how to verify each cell.
        jobs: how many at once.
        known: a file of what was done before, and where outcomes are kept as they come.
        skip: leave out what is larger than a cell that is unknown, with the same choices.
        report: is told how many are done, of how many.

    Raises:
        SpecError: the spec is wrong.
        UsageError: the file is none of ours.
    """
    ledger = Ledger(known, Measured)
    program = compile_spec(source, {})
    combinations = list(product(*(axis.values for axis in wanted)))
    found: dict[int, Measured] = {}
    for wave in _waves(wanted, combinations) if skip else [range(len(combinations))]:
        tasks = []
        for number in wave:
            if skip and _is_beyond(number, wanted, combinations, found):
                found[number] = Measured(SKIPPED, "a smaller one is unknown")
                continue
            values = dict(zip((axis.name for axis in wanted), combinations[number], strict=True))
            asked = replace(options, settings={**options.settings, **values})
            how = f"{options.properties} {options.endless} {options.races} kmcheck {__version__}"
            key = f"{program.digest} {asked.settings} {how}"
            tasks.append(Task(number, key, measured, (source, asked)))
        report(len(found), len(combinations))
        lasting = lambda cell: cell.verdict != "unknown"  # noqa: E731 - one word for it
        with closing(done(tasks, jobs, ledger, alone=True, lasting=lasting)) as cells:
            for number, cell in cells:
                found[number] = cell
                report(len(found), len(combinations))
    told = tuple(Cell(values, found[n]) for n, values in enumerate(combinations))
    return Sweep(program.name, program.digest, wanted, told)


def measured(source: Source, options: Options) -> Measured:
    """Verify one cell."""
    levels: list[int] = []

    def notice(now: Progress) -> None:
        levels[:] = now.levels

    try:
        result = verify(source, options, notice)
    except SpecError as error:
        return Measured(WRONG, error.diagnostics[0].title)
    seen = result.label.statistics
    counted = (seen.states, seen.transitions, seen.depth, result.seconds, result.peak_bytes)
    violated = [v for v in result.verdicts if isinstance(v, Violated)]
    if violated:
        run = len(violated[0].trace.events)
        return Measured("violated", violated[0].property, run, *counted)
    if result.outcome == "holds":
        return Measured("holds", "", None, *counted)
    least, most = estimate.total(levels) or (None, None)
    why = result.label.stopped or "not all was explored"
    return Measured("unknown", why, None, *counted, least=least, most=most)


def _places(wanted: tuple[Axis, ...], values: tuple[str, ...]) -> tuple[int, ...]:
    """Return how large the bounds of a cell are, each by its number."""
    return tuple(int(v) for axis, v in zip(wanted, values, strict=True) if axis.is_bound)


def _choices(wanted: tuple[Axis, ...], values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(v for axis, v in zip(wanted, values, strict=True) if not axis.is_bound)


def _waves(wanted: tuple[Axis, ...], combinations: list[tuple[str, ...]]) -> Iterator[list[int]]:
    """Yield cells, smaller ones first: none is larger than another of its wave in all bounds."""
    sizes = [sum(_places(wanted, values)) for values in combinations]
    for size in sorted(set(sizes)):
        yield [number for number, own in enumerate(sizes) if own == size]


def _is_beyond(
    number: int,
    wanted: tuple[Axis, ...],
    combinations: list[tuple[str, ...]],
    found: Mapping[int, Measured],
) -> bool:
    """Tell whether a smaller cell with the same choices is unknown, or was skipped."""
    own = combinations[number]
    return any(
        cell.verdict in ("unknown", SKIPPED)
        and _choices(wanted, combinations[other]) == _choices(wanted, own)
        and all(
            a <= b
            for a, b in zip(_places(wanted, combinations[other]), _places(wanted, own), strict=True)
        )
        for other, cell in found.items()
    )
