"""A table as text, as Markdown, as JSON. What varies from run to run is there only if wanted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from kmcheck.sweep.table import SKIPPED, WRONG, Cell, Fit, Line, Measured, Sweep
from kmcheck.sweep.words import it_is, name, rounded, seconds_told, states_told

VERY_WIDE = 1000
"""Columns: no line of a table is broken."""


def text(found: Sweep, *, times: bool) -> str:
    """Return the table as text."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    columns = heads(found, times=times)
    for head, right in columns:
        table.add_column(head, justify="right" if right else "left", no_wrap=True)
    for cell in found.cells:
        table.add_row(*row(cell, times=times))
    console = Console(width=VERY_WIDE, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(table)
    told = "\n".join(line.rstrip() for line in captured.get().splitlines())
    lines = [f"{_headline(found)}\n\n{told}\n", *_grown(found, times=times)]
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def markdown(found: Sweep, *, times: bool) -> str:
    """Return the table as Markdown."""
    columns = heads(found, times=times)
    rows = [[head for head, _ in columns], ["---:" if right else "---" for _, right in columns]]
    rows += [row(cell, times=times) for cell in found.cells]
    told = "".join(f"| {' | '.join(one)} |\n" for one in rows)
    grown = "".join(f"- {line}\n" for line in _grown(found, times=times))
    return f"{_headline(found)}\n\n{told}" + (f"\n{grown}" if grown else "")


def _headline(found: Sweep) -> str:
    words = {"holds": "hold", WRONG: "no spec"}
    numbers = Counter(cell.found.verdict for cell in found.cells)
    order = ("holds", "violated", "unknown", SKIPPED, WRONG)
    told = ", ".join(f"{numbers[v]} {words.get(v, v)}" for v in order if numbers[v])
    count = f"{len(found.cells)} cell{'s' * (len(found.cells) != 1)}"
    return f"{found.spec}: {count}: {told}"


def heads(found: Sweep, *, times: bool) -> list[tuple[str, bool]]:
    """Return the columns, each with whether it is of numbers."""
    varied = [("time", True), ("memory", True), ("so far", True)] if times else []
    counts = [(head, True) for head in ("steps", "states", "transitions", "depth")]
    return [
        *((axis.name, axis.is_bound) for axis in found.axes),
        ("it is", False),
        *counts,
        *varied,
    ]


def row(cell: Cell, *, times: bool) -> list[str]:
    """Return a row. How far an unknown cell came varies: its counts stand with what varies."""
    seen = cell.found
    ended = seen.verdict in ("holds", "violated")
    counts = (seen.states, seen.transitions, seen.depth)
    row = [*cell.values, it_is(seen), "" if seen.steps is None else str(seen.steps)]
    row += [f"{count:,}" for count in counts] if ended else [""] * len(counts)
    if times:
        ran = seen.verdict not in (SKIPPED, WRONG)
        row += [f"{seen.seconds:.2f} s", f"{seen.bytes / 2**20:.0f} MiB"] if ran else ["", ""]
        row.append(_so_far(seen))
    return row


def _so_far(seen: Measured) -> str:
    """Return how many states an unknown cell had, and of how many."""
    if seen.verdict != "unknown":
        return ""
    of = "" if seen.least is None or seen.most is None else f" of {seen.least:,} to {seen.most:,}"
    return f"{seen.states:,}{of}"


def _grown(found: Sweep, *, times: bool) -> Iterator[str]:
    for line in found.lines:
        head = f"{name(line)}: " if line.others else ""
        yield head + states_told(line)
        if times:
            yield head + seconds_told(line)


# --- json ----------------------------------------------------------------------------------------

VARIED = ("seconds", "bytes", "least", "most")
COUNTED = ("states", "transitions", "depth")


def json_of(found: Sweep, *, times: bool) -> str:
    """Return the table as JSON; what varies is in `volatile`, in the order of the cells."""
    del times
    content = {
        "spec": found.spec,
        "digest": found.digest,
        "axes": [asdict(axis) for axis in found.axes],
        "cells": [_cell(found, cell) for cell in found.cells],
        "growth": [_growth(line, line.states) for line in found.lines],
        "volatile": {
            "cells": [_varied(cell.found) for cell in found.cells],
            "growth": [_growth(line, line.seconds) for line in found.lines],
        },
    }
    return json.dumps(content, indent=1) + "\n"


def _cell(found: Sweep, cell: Cell) -> dict[str, Any]:
    told = {key: value for key, value in asdict(cell.found).items() if key not in VARIED}
    if cell.found.verdict not in ("holds", "violated"):
        told |= dict.fromkeys(COUNTED)
    names = [axis.name for axis in found.axes]
    return {"settings": dict(zip(names, cell.values, strict=True)), **told}


def _varied(found: Measured) -> dict[str, Any]:
    told = {key: getattr(found, key) for key in VARIED}
    told["seconds"] = round(found.seconds, 3)
    return told | ({"states": found.states} if found.verdict == "unknown" else {})


def _growth(line: Line, fit: Fit | None) -> dict[str, Any]:
    about: dict[str, Any] = {"along": line.along, "settings": dict(line.others), "fit": None}
    if fit is not None:
        curve = fit.curve
        about["fit"] = {
            "sort": curve.sort,
            "rate": round(curve.rate, 4),
            "shift": curve.shift,
            "error": round(curve.error, 4),
            "next": fit.next,
            "last": fit.last and {"bound": fit.last[0], "told": round(fit.last[1], 4)},
            "expected": float(rounded(fit.expected).replace(",", "")),
        }
    return about
