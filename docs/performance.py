"""The tables of the page on performance, from what `benchmarks/run` has kept."""

from __future__ import annotations

import re

from benchmarks.results import Entry, Machine, Part, Record, Records, Spread, load
from benchmarks.targets import MIB, TARGETS, Measured, Target, measured

PLACE = re.compile(r"(<!-- (targets|results): [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)
"""Where a table stands on the page."""

COLUMNS = (
    "states",
    "compile, CPU s",
    "search, CPU s",
    "of that system",
    "wall s",
    "MiB",
    "bytes a state",
    "states a CPU-second",
    "kmcheck over it",
)
HEAD = (f"| tool | {' | '.join(COLUMNS)} |", "| --- |" + " ---: |" * len(COLUMNS))
THOUSAND = 1000
MANY = 10**6
"""From so many states on, the memory of a process is that of its states."""


def filled(page: str) -> str:
    """Return a page with the tables that it has places for as the results are now."""
    records = load()
    tables = {"targets": targets, "results": results}
    return PLACE.sub(lambda m: f"{m[1]}\n{tables[m[2]](records)}\n{m[3]}", page)


def targets(records: Records) -> str:
    """Return the table of targets: what was wanted and what was found, missed by how much."""
    lines = ["| what | target | measured |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(_target(target, records) for target in TARGETS)]) + "\n"


def _target(target: Target, records: Records) -> str:
    found = [f"{_short(m.value)} {m.unit}: {_met(m)}" for m in measured(target, records)]
    return f"| {target.what} | {target.wanted} | {'; '.join(found) or 'not yet'} |"


def _met(one: Measured) -> str:
    return "met" if one.met else f"**missed** {_short(one.missed_by)} times"


def results(records: Records) -> str:
    """Return a section for each scenario: where and when it was measured, and its table."""
    known = list(records.values())
    before = [None, *known]
    return "\n".join(_section(now, last) for now, last in zip(known, before, strict=False))


def _section(record: Record, last: Record | None) -> str:
    first = record.entries[0].search
    where = "there, too" if last and last.machine == record.machine else _where(record.machine)
    rounds = f"`{record.name}`, {record.when}, {len(first.runs) // first.copies} rounds: {where}."
    lines = [f"### {record.title}", "", rounds, "", *HEAD]
    lines += [_row(entry, record) for entry in record.entries]
    rest = " |" * (len(COLUMNS) - 1)
    lines += [f"| {title} | {reason} |{rest}" for title, reason in record.skipped.items()]
    return "\n".join([*lines, ""])


def _where(machine: Machine) -> str:
    """Return on what, and with which versions, something was measured."""
    versions = ", ".join(f"{name} {told}" for name, told in machine.versions.items())
    return (
        f"{machine.processors} CPUs ({machine.processor}), {machine.memory / 2**30:.0f} GiB,"
        f" {machine.system}; {versions}"
    )


def _row(entry: Entry, record: Record) -> str:
    search = entry.search
    states = f"{entry.states:,}" if entry.compared else f"({entry.states:,})"
    if entry.verdict != "holds":
        states += f", {entry.verdict}"
    cells = [
        _title(entry, search),
        states,
        f"{entry.making:.2f}" if entry.making else "",
        _spread(search.cpu),
        f"{search.system.median:.2f}",
        f"{search.wall.median:.2f}",
        f"{search.peak.median / MIB:,.0f}",
        f"{entry.bytes_per_state:,.0f}" if entry.states >= MANY else "",
        f"{entry.rate:,.0f}",
        _ratio(entry, record),
    ]
    return f"| {' | '.join(cells)} |"


def _title(entry: Entry, search: Part) -> str:
    return entry.title + (f", {search.copies} at once" if search.copies > 1 else "")


def _ratio(entry: Entry, record: Record) -> str:
    """Return how many times faster kmcheck is, where both count the same states."""
    ours = record.entry("kmcheck")
    if ours is None or ours is entry or not (entry.compared and ours.compared):
        return ""
    return f"{_short(ours.rate / entry.rate)} times"


def _spread(numbers: Spread) -> str:
    return f"{numbers.median:.2f} ({numbers.least:.2f} to {numbers.most:.2f})"


def _short(number: float) -> str:
    """Return a number with the three digits that count."""
    return f"{number:.3g}" if number < THOUSAND else f"{number:,.0f}"
