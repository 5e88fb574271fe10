"""The flags of verbs that verify a spec in many ways, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from kmcheck import machine
from kmcheck.driver import Options
from kmcheck.options import Command, added, budget, limits
from kmcheck.verdict import ENGINE, WITHOUT


def flags(one: str, several: str) -> Callable[[Command], Command]:
    """Return what adds the flags to a command: `one` is `a mutant`, `several` is `mutants`."""
    options = [
        click.option("-p", "--property", "properties", multiple=True, metavar="NAME",
                     help="Check only this; may be repeated."),
        click.option("--liveness", is_flag=True, help="Look for livelock and starvation, too."),
        click.option("--races", is_flag=True, help="Look for data races, too."),
        click.option("-j", "--jobs", type=click.IntRange(1), metavar="N",
                     help=f"{several.capitalize()} at once [default: one a processor]."),
        limits(f"Give up {one} beyond", f"Give up {one} after", f", for all {several}"),
        click.option("--progress", "shown", type=click.Choice(["auto", "never"]), default="auto",
                     help="Show progress."),
    ]  # fmt: skip
    return added(options)


def asked(given: Mapping[str, Any]) -> tuple[Options, int]:
    """Return how to verify each, without settings, and how many at once, by these flags."""
    jobs = given["jobs"] or machine.processors()
    share = budget(given, searches=jobs)
    properties = tuple(given["properties"])
    endless, races = bool(given["liveness"]), bool(given["races"])
    options = Options({}, properties, ENGINE, share, without=WITHOUT, endless=endless)
    return replace(options, races=races, readable=False), jobs


def to_go_on(known: Path | None, what: str = "those that are done") -> str:
    """Return what to tell somebody who interrupts a verb with `--resume`, given its file."""
    if known is None:
        return f"`--resume FILE` keeps {what}, for the next time"
    return f"the same command goes on from {known}"
