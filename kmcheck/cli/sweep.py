"""`kmcheck sweep`: a table over bounds and choices, and how fast the state space grows."""

from __future__ import annotations

from math import prod
from pathlib import Path

import click

from kmcheck.chart import draw
from kmcheck.cli import INCONCLUSIVE, VIOLATED, WRONG_SPEC
from kmcheck.diagnostics import UsageError
from kmcheck.files import write
from kmcheck.frontend import read
from kmcheck.many import asked, flags, to_go_on
from kmcheck.options import setting
from kmcheck.sweep import SKIPPED, WRONG, Axis, Sweep, along, axes, chart, sweep
from kmcheck.sweep.tables import json_of, markdown, text
from kmcheck.terminal import counted, put

MOST_LINES = 12
"""Lines that a person can tell apart in one plot."""


@click.command()
@click.argument("spec", metavar="SPEC")
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUES", callback=setting,
              help="Values of a bound or choice: 1..4, yes,no, all; may be repeated.")  # fmt: skip
@flags("a cell", "cells")
@click.option("--skip", is_flag=True,
              help="Skip cells that are larger than one that is unknown.")  # fmt: skip
@click.option("--resume", "known", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write outcomes there as they come, and go on from those that are.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text",
              help="What to print.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Print into a file.")
@click.option("--plot", metavar="FILE.svg",
              help="Draw states and time over the bound with the most values.")  # fmt: skip
@click.option("--times", is_flag=True,
              help="Show time and memory in the table: they vary from run to run.")  # fmt: skip
def command(**given: object) -> int:
    """Verify a spec with each combination of bounds and choices, and make a table of it.

    What grows along a bound is fitted where three cells or more hold, and the cost of the next
    bound told. A cell that reaches a limit is unknown; larger ones run all the same.

    Exit code: 0 all hold, 1 some are violated, 2 wrong command, 3 wrong spec, 4 none is violated
    and some are unknown, 130 interrupted.
    """
    options, jobs = asked(given)
    source = read(str(given["spec"]))
    wanted = axes(source, dict(given["settings"]))  # type: ignore[call-overload]
    plot, output = (None if given[n] is None else Path(str(given[n])) for n in ("plot", "output"))
    _refuse(wanted, plot, output)
    known = None if given["known"] is None else Path(str(given["known"]))
    with counted(str(given["shown"]), "cells", to_go_on(known)) as report:
        found = sweep(
            source, wanted, options, jobs, known=known, skip=bool(given["skip"]), report=report
        )
    if plot is not None:
        write(plot, draw(chart(found)))
    form = {"text": text, "markdown": markdown, "json": json_of}[str(given["form"])]
    put(form(found, times=bool(given["times"])), output)
    return _code(found)


def _refuse(wanted: tuple[Axis, ...], plot: Path | None, output: Path | None) -> None:
    """Refuse before anything is verified what could not be written or drawn at the end."""
    for path in filter(None, (plot, output)):
        if not path.absolute().parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no such folder")
    if plot is None:
        return
    bound = along(wanted)
    if bound is None:
        raise UsageError("a plot is over a bound", "give one several values: `-D NAME=1..4`")
    lines = prod(len(axis.values) for axis in wanted) // len(bound.values)
    if lines > MOST_LINES:
        title = f"a plot of {lines} lines cannot be read"
        raise UsageError(title, f"give fewer values: {MOST_LINES} lines at the most")


def _code(found: Sweep) -> int:
    verdicts = {cell.found.verdict for cell in found.cells}
    if WRONG in verdicts:
        return WRONG_SPEC
    if "violated" in verdicts:
        return VIOLATED
    return INCONCLUSIVE if verdicts & {"unknown", SKIPPED} else 0


COMMAND: click.Command = command
