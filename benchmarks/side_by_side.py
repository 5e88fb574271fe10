"""Measures kmcheck and its peers in turn, checks that they count the same, keeps the results.

A round runs each tool of a scenario once, so that what else the machine does hits all of them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.machine import machine
from benchmarks.measure import Measurement, side_by_side
from benchmarks.peers import (
    HOLDS,
    REDUCED,
    Answer,
    Kmcheck,
    Stage,
    Tool,
    answer,
    missing,
    name,
    stages,
    unfinished,
)
from benchmarks.results import FILE, Entry, Part, Record, Records, Run, load, save
from benchmarks.scenarios import FLAGSHIP, REFERENCE, RUMUR_LIMIT, Scenario, table


class Disagreement(Exception):  # noqa: N818 - it says what there is
    """Two tools, or two runs of one, did not find the same."""


@click.command()
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="Rounds.")
@click.option("--only", multiple=True, metavar="NAME", help="Run this scenario; may be repeated.")
@click.option("--long", is_flag=True, help="Run those that no target asks for, too.")
@click.option("--limit", type=click.FloatRange(1), default=RUMUR_LIMIT, show_default=True,
              metavar="SECONDS", help="End Rumur on QRCU 3x3, if it takes longer.")  # fmt: skip
@click.option("--list", "listed", is_flag=True, help="Only say which scenarios there are.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=FILE,
    help="Keep the results there [default: results.json beside this program].",
)
def main(
    runs: int, only: tuple[str, ...], *, long: bool, limit: float, listed: bool, output: Path
) -> None:
    """Measure kmcheck, SPIN and Rumur side by side.

    Results of scenarios that are not run this time stay in the file. Afterwards,
    `./run python -m docs.generate` puts them on the page.
    """
    everything = table()
    unknown = set(only) - {scenario.name for scenario in everything}
    if unknown:
        raise click.UsageError(f"there is no scenario {', '.join(sorted(unknown))}: see --list")
    if listed:
        took = {name: record.took for name, record in load(output).items()}
        for scenario in everything:
            click.echo(_listed(scenario, took.get(scenario.name)))
        return
    wanted = [s for s in everything if s.name in only or (not only and (long or not s.long))]
    with TemporaryDirectory() as folder:
        warmed(Path(folder))
        fine = [kept(scenario.within(limit), runs, output) for scenario in wanted]
    sys.exit(0 if all(fine) else 1)


def warmed(folder: Path) -> None:
    """Let Python keep compiled modules in a folder, and have those there that kmcheck needs.

    So it is for who has installed kmcheck; where the environment forbids it, each start would
    compile all of them again.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    first = Kmcheck(spec=FLAGSHIP, flags=REDUCED, apart=False)
    for tool in (first, replace(first, flags=REFERENCE)):
        _once("kmcheck", tool)


def _listed(scenario: Scenario, took: float | None) -> str:
    """Return a line on a scenario, and how long it took when it was measured."""
    way = "--long" if scenario.long else ""
    time = "" if took is None else f" ({took:,.0f} s)"
    return f"{scenario.name:16} {way:6}  {scenario.title}{time}"


def kept(scenario: Scenario, runs: int, output: Path) -> bool:
    """Measure a scenario and keep the result; say what is wrong and return False if it is."""
    click.echo(f"\n{scenario.name}: {scenario.title}")
    try:
        record = measure(scenario, runs)
    except (Disagreement, RuntimeError, ValueError) as error:
        click.echo(f"ERROR in {scenario.name}: {error}", err=True)
        return False
    if record.entries:
        save(_in_order({**load(output), scenario.name: record}), output)
    return True


def _in_order(records: Records) -> Records:
    """Return records in the order of their scenarios, and what has none any more last."""
    first = [scenario.name for scenario in table() if scenario.name in records]
    return {name: records[name] for name in dict.fromkeys([*first, *records])}


def measure(scenario: Scenario, runs: int) -> Record:
    """Run the tools of a scenario in turn, so many rounds.

    Raises:
        Disagreement: the counts are not those that they are to be, or a tool finds a violation.
        RuntimeError: a tool fails.
        ValueError: a tool says what nobody understands.
    """
    reasons = {title: missing(tool) for title, tool in scenario.tools.items()}
    skipped = {title: reason for title, reason in reasons.items() if reason}
    for title, reason in skipped.items():
        click.echo(f"  {title} is skipped: {reason}")
    entries: dict[str, Entry] = {}
    for _ in range(runs):
        for title, tool in scenario.tools.items():
            if title not in skipped:
                fresh = _once(title, tool)
                _check(scenario, fresh)
                entries[title] = _joined(entries[title], fresh) if title in entries else fresh
                click.echo(f"  {_line(fresh)}")
    when = datetime.now(tz=UTC).date().isoformat()
    order = tuple(entries[title] for title in scenario.tools if title in entries)
    return Record(
        scenario.name, scenario.title, when, machine(), order, skipped, growth=scenario.growth
    )


def _once(title: str, tool: Tool) -> Entry:
    """Run all stages of a tool once, in a folder of its own."""
    parts: list[Part] = []
    found: list[Answer] = []
    with TemporaryDirectory() as folder:
        for stage in stages(tool, Path(folder)):
            taken = side_by_side(stage.command, stage.folder, stage.copies, stage.fine, stage.limit)
            runs = tuple(Run(m.user, m.system, m.wall, m.peak) for m in taken)
            parts.append(Part(stage.name, runs, stage.copies))
            if stage.name == "search":
                found = [_told(tool, stage, m) for m in taken]
    if len(set(found)) != 1:
        raise Disagreement(f"{title} ran twice at the same time and said {found}")
    told = found[0]
    return Entry(
        title,
        name(tool),
        tool.compared,
        told.states,
        told.transitions,
        told.verdict,
        tuple(parts),
        told.reductions,
    )


def _told(tool: Tool, stage: Stage, taken: Measurement) -> Answer:
    """Return what a search said, or had found when it was ended."""
    if taken.cut:
        return unfinished(tool, taken.output, f"ended after {stage.limit:g} s")
    return answer(tool, taken.output)


def _check(scenario: Scenario, entry: Entry) -> None:
    """Compare an answer with what it is to be."""
    if entry.verdict != HOLDS and not (
        scenario.may_give_up and entry.verdict.startswith("gave up")
    ):
        raise Disagreement(f"{entry.title}: {entry.verdict} after {entry.states:,} states")
    if entry.compared and scenario.states not in (None, entry.states):
        raise Disagreement(
            f"{entry.title} has {entry.states:,} states, and not {scenario.states:,}"
        )


def _joined(old: Entry, new: Entry) -> Entry:
    """Return a row with the runs of another round."""
    same = (old.states, old.transitions) == (new.states, new.transitions)
    if not same and old.verdict == new.verdict == HOLDS:
        raise Disagreement(f"{old.title} has {old.states:,} states, and then {new.states:,}")
    parts = tuple(
        Part(a.name, a.runs + b.runs, a.copies) for a, b in zip(old.parts, new.parts, strict=True)
    )
    last = new if old.verdict == HOLDS else old  # one round without an answer is one too many
    return replace(last, parts=parts)


def _line(entry: Entry) -> str:
    """Return what is said of a run while it goes on."""
    search = entry.search
    return (
        f"{entry.title:32} {entry.states:>12,} states  {search.cpu.median:8.2f} CPU-s"
        f" {search.wall.median:8.2f} s  {search.peak.median / 2**20:7,.0f} MiB  {entry.verdict}"
    )


if __name__ == "__main__":
    main()
