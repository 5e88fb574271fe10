"""Where a person looks: colours where they are wanted, and progress on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from kmcheck.protocols import Progress

QUICK, SLOW = 0.25, 60.0
"""Seconds between two lines of progress: on a terminal, and in a log."""


def colour_wanted(choice: str, stream: TextIO) -> bool:
    """Tell whether to colour: `--color`, else NO_COLOR, else FORCE_COLOR, else a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty()


@contextmanager
def progress(mode: str, name: str) -> Iterator[Callable[[Progress], None]]:
    """Show how a search goes: in place on a terminal, a line a minute elsewhere, or not."""
    live = sys.stderr.isatty()
    began = last = time.monotonic()
    shown = False

    def report(now: Progress) -> None:
        nonlocal last, shown
        moment = time.monotonic()
        if mode == "never" or moment - last < (QUICK if live else SLOW):
            return
        last = moment
        rate = now.states / max(moment - began, 1e-6)
        found = f"{now.states:,} states, {rate:,.0f}/s, depth {now.depth}"
        line = f"{name}: {found}, {now.frontier:,} to expand"
        click.echo(f"\r\x1b[K{line}" if live else line, nl=not live, err=True)
        shown = True

    try:
        yield report
    finally:
        if shown and live:
            click.echo("\r\x1b[K", nl=False, err=True)
