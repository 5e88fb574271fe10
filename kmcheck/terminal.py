"""Where a person looks: what is printed, colours where they are wanted, progress on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import exp
from shutil import get_terminal_size
from typing import TextIO

import click

from kmcheck import estimate, machine
from kmcheck.diagnostics import Interrupted
from kmcheck.files import write
from kmcheck.protocols import Progress

QUICK, SLOW = 0.25, 60.0
"""Seconds between two lines of progress: on a terminal, and in a log."""

SMOOTH = 5.0
"""Seconds of which a rate is the mean, with what is older counting less and less."""


def colour_wanted(choice: str, stream: TextIO) -> bool:
    """Tell whether to colour: `--color`, else NO_COLOR, else FORCE_COLOR, else a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty()


def put(content: str | bytes, output: object, *, colour: bool | None = None) -> None:
    """Print, or write into the file that is named.

    Raises:
        UsageError: it cannot be written.
    """
    if output is None:
        click.echo(content, nl=False, color=colour)
    else:
        write(str(output), content)


@dataclass(slots=True)
class Rate:
    """How many states are expanded in a second."""

    moment: float
    expanded: int = 0
    smoothed: float | None = None

    def at(self, moment: float, expanded: int) -> float:
        """Return the rate, given how many states were expanded at a moment."""
        passed, more = moment - self.moment, expanded - self.expanded
        if more < 0:  # a search has begun again, or another one has
            more, self.smoothed = expanded, None
        now = more / max(passed, 1e-6)
        old = now if self.smoothed is None else self.smoothed
        self.smoothed = now + (old - now) * exp(-passed / SMOOTH)
        self.moment, self.expanded = moment, expanded
        return self.smoothed


@contextmanager
def progress(mode: str, name: str) -> Iterator[Callable[[Progress], None]]:
    """Show how a search goes: in place on a terminal, a line a minute elsewhere, or not."""
    live = sys.stderr.isatty()
    last = time.monotonic()
    rate = Rate(last)
    shown = False

    def report(now: Progress) -> None:
        nonlocal last, shown
        moment = time.monotonic()
        if mode == "never" or moment - last < (QUICK if live else SLOW):
            return
        last = moment
        parts = [f"{name}:", *told(now, rate.at(moment, now.states - now.frontier))]
        line = f"\r\x1b[K{_fitting(parts)}" if live else _joined(parts)
        click.echo(line, nl=not live, err=True)
        shown = True

    try:
        yield report
    finally:
        if shown and live:
            click.echo("\r\x1b[K", nl=False, err=True)


@contextmanager
def counted(mode: str, what: str, hint: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show how many of several verifications are done, on a terminal.

    Raises:
        Interrupted: somebody did; it says how many are done, and the hint how to go on.
    """
    from rich.console import Console  # noqa: PLC0415 - for those who show it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    hidden = mode == "never" or not sys.stderr.isatty()
    with Bars(*columns, console=Console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=None)
        reached = ""

        def report(done: int, total: int) -> None:
            nonlocal reached
            reached = f": {done} of {total} {what} {'is' if done == 1 else 'are'} done"
            bar.update(task, completed=done, total=total)

        try:
            yield report
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted{reached}", hint if reached else "") from None


def _fitting(parts: list[str]) -> str:
    """Return a line that fits the terminal; if it is too long, some of the parts have to go."""
    room = get_terminal_size().columns - 1  # in the last column some terminals break the line
    for dispensable in (NAME, FRONTIER, DEPTH):
        if len(_joined(parts)) > room:
            parts[dispensable] = ""
    return _joined(parts)[:room]


def _joined(parts: list[str]) -> str:
    return " ".join(part for part in parts if part)


NAME, FRONTIER, DEPTH = 0, 3, 4
"""Places, in a line of progress, of what can be left out."""


def told(now: Progress, rate: float) -> tuple[str, ...]:
    """Return how far a search is: what there is, and what is still to come."""
    return (
        f"{now.states:,} states,",
        f"{rate:,.0f}/s,",
        f"{now.frontier:,} to expand,",
        f"depth {now.depth},",
        f"{machine.resident() / 2**30:.2f} GiB,",
        _estimated(now, rate),
    )


def _estimated(now: Progress, rate: float) -> str:
    """Return between what and what the number of states will be, and how long that takes."""
    bounds = estimate.total(now.levels)
    if bounds is None:
        return "estimate: not yet"
    expanded = now.states - now.frontier
    low, high = (_lasting(max(0, bound - expanded) / max(rate, 1e-6)) for bound in bounds)
    left = low if low == high else f"{low} to {high}"
    return f"estimate: {_short(bounds[0])} to {_short(bounds[1])}, {left} left"


def _short(number: int) -> str:
    """Return a number of few digits: 970, 1.5k, 24M."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:g}{unit}"
    return str(number)


def _lasting(seconds: float) -> str:
    """Return a time in the largest unit of which there are at least two."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.0f} s"
