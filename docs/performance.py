"""The tables of the page on performance, from what `benchmarks/run` has kept."""

from __future__ import annotations

import re

from benchmarks.results import Entry, Machine, Part, Record, Records, Spread, load
from benchmarks.targets import MIB, TARGETS, Measured, Target, measured

PLACE = re.compile(r"(<!-- (targets|results): [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)
"""Where a table stands on the page."""

COLUMNS = (
    "states",
    "CPU s before the search",
    "of the search",
    "of both",
    "of that system",
    "wall s",
    "MiB",
    "bytes a state",
    "states a CPU-second, search alone",
    "whole",
    "kmcheck over it, search alone",
    "whole",
)
SIZES = ("states", "times", "CPU s", "times", "wall s", "MiB")
"""What is shown of rows that grow."""
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
    lines = ["| what | target | measured | missed by |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(_target(target, records) for target in TARGETS)]) + "\n"


def _target(target: Target, records: Records) -> str:
    found = measured(target, records)
    values = "; ".join(f"{_short(m.value)} {m.unit}" for m in found) or "not yet"
    missed = "; ".join(_missed(m) for m in found)
    return f"| {target.what} | {target.wanted} | {values} | {missed} |"


def _missed(one: Measured) -> str:
    return "met" if one.met else f"**{_short(one.missed_by)} times**"


def results(records: Records) -> str:
    """Return a section for each scenario: where and when it was measured, and its table."""
    known = list(records.values())
    before = [None, *known]
    return "\n".join(_section(now, last) for now, last in zip(known, before, strict=False))


def _section(record: Record, last: Record | None) -> str:
    first = record.entries[0].search
    where = "there, too" if last and last.machine == record.machine else _where(record.machine)
    rounds = len(first.runs) // first.copies
    often = "measured once" if rounds == 1 else f"{rounds} rounds"
    lines = [f"### {record.title}", "", f"`{record.name}`, {record.when}, {often}: {where}.", ""]
    explored = any(entry.states for entry in record.entries)
    lines += _growth(record) if record.growth else (_rows if explored else _looks)(record)
    return "\n".join([*lines, "", *_reductions(record)])


def _reductions(record: Record) -> list[str]:
    """Return a line on what the reductions of the last row that has some did."""
    reduced = [entry for entry in record.entries if entry.reductions]
    if not reduced:
        return []
    return [f"Reductions ({reduced[-1].title}): {', '.join(reduced[-1].reductions)}.", ""]


def _head(first: str, columns: tuple[str, ...]) -> list[str]:
    return [f"| {first} | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]


def _rows(record: Record) -> list[str]:
    rest = " |" * (len(COLUMNS) - 1)
    return [
        *_head("tool", COLUMNS),
        *(_row(entry, record) for entry in record.entries),
        *(f"| {title} | {reason} |{rest}" for title, reason in record.skipped.items()),
    ]


def _looks(record: Record) -> list[str]:
    """Return a table of programs that explore nothing."""
    return [
        *_head("program", ("CPU s", "wall s", "MiB")),
        *(
            f"| {entry.title} | {_spread(entry.search.cpu)} | {entry.search.wall.median:.2f} |"
            f" {entry.search.peak.median / MIB:,.0f} |"
            for entry in record.entries
        ),
        *(f"| {title} | {reason} | | |" for title, reason in record.skipped.items()),
    ]


def _growth(record: Record) -> list[str]:
    """Return a table that says of each row how many times as much it takes as the one above."""
    lines = _head("size", SIZES)
    above: Entry | None = None
    for entry in record.entries:
        cpu, peak = entry.search.cpu, entry.search.peak.median / MIB
        more = fewer = ""
        if above is not None:
            more = _short(entry.states / above.states)
            fewer = _short(cpu.median / above.search.cpu.median)
        wall = f"{entry.search.wall.median:.2f}"
        cells = [entry.title, _states(entry), more, _spread(cpu), fewer, wall, f"{peak:,.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
        above = entry
    return lines


def _where(machine: Machine) -> str:
    """Return on what, and with which versions, something was measured."""
    versions = ", ".join(f"{name} {told}" for name, told in machine.versions.items())
    return (
        f"{machine.processors} CPUs ({machine.processor}), {machine.memory / 2**30:.0f} GiB,"
        f" {machine.system}; {versions}"
    )


def _row(entry: Entry, record: Record) -> str:
    search = entry.search
    ours = record.entry("kmcheck")
    alike = ours is not None and ours is not entry and ours.compared and entry.compared
    cells = [
        _title(entry, search),
        _states(entry) if entry.compared else f"({_states(entry)})",
        _number(entry.before, ".2f"),
        _number(entry.alone_cpu, ".2f"),
        _spread(_whole(entry)),
        f"{search.system.median:.2f}",
        f"{entry.whole_wall:.2f}",
        f"{search.peak.median / MIB:,.0f}",
        f"{entry.bytes_per_state:,.1f}" if entry.states >= MANY else "",
        _number(entry.alone_rate, ",.0f"),
        f"{entry.rate:,.0f}",
        _ratio(ours.alone_rate, entry.alone_rate) if ours and alike else "",
        _ratio(ours.rate, entry.rate) if ours and alike else "",
    ]
    return f"| {' | '.join(cells)} |"


def _whole(entry: Entry) -> Spread:
    """Return the CPU time of the search, with that of making its program."""
    made, search = sum(part.cpu.median for part in entry.made), entry.search.cpu
    return Spread(made + search.median, made + search.least, made + search.most)


def _states(entry: Entry) -> str:
    return f"{entry.states:,}" + ("" if entry.verdict == "holds" else f", {entry.verdict}")


def _number(number: float | None, form: str) -> str:
    return "" if number is None else format(number, form)


def _title(entry: Entry, search: Part) -> str:
    return entry.title + (f", {search.copies} at once" if search.copies > 1 else "")


def _ratio(ours: float | None, theirs: float | None) -> str:
    """Return how many times faster kmcheck is, where both count the same states."""
    return f"{_short(ours / theirs)} times" if ours and theirs else ""


def _spread(numbers: Spread) -> str:
    return f"{numbers.median:.2f} ({numbers.least:.2f} to {numbers.most:.2f})"


def _short(number: float) -> str:
    """Return a number with the three digits that count."""
    return f"{number:.3g}" if number < THOUSAND else f"{number:,.0f}"
