"""The flags of verbs that verify a spec in many ways, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from kmcheck import machine
from kmcheck.driver import Options
from kmcheck.options import amount, duration
from kmcheck.verdict import ENGINE, WITHOUT, Budget

Command = TypeVar("Command", bound=Callable[..., int])


def flags(one: str, several: str) -> Callable[[Command], Command]:
    """Return what adds the flags to a command: `one` is `a mutant`, `several` is `mutants`."""
    options = [
        click.option("-p", "--property", "properties", multiple=True, metavar="NAME",
                     help="Check only this; may be repeated."),
        click.option("--liveness", is_flag=True, help="Look for livelock and starvation, too."),
        click.option("-j", "--jobs", type=click.IntRange(1), metavar="N",
                     help=f"{several.capitalize()} at once [default: one a processor]."),
        click.option("--max-states", type=click.IntRange(1), metavar="N",
                     help=f"Give up {one} beyond so many states."),
        click.option("--max-depth", type=click.IntRange(0), metavar="N",
                     help=f"Give up {one} beyond so many steps."),
        click.option("--timeout", callback=duration, metavar="TIME",
                     help=f"Give up {one} after 90s, 10m, 2h."),
        click.option("--memory", callback=amount, metavar="SIZE",
                     help=f"Use at the most 512M, 8G, for all {several} [default: what is free]."),
        click.option("--progress", "shown", type=click.Choice(["auto", "never"]), default="auto",
                     help="Show progress."),
    ]  # fmt: skip

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def asked(given: Mapping[str, Any]) -> tuple[Options, int]:
    """Return how to verify each, without settings, and how many at once, by these flags."""
    jobs = given["jobs"] or machine.processors()
    memory = given["memory"] or machine.memory()
    budget = Budget(
        given["max_states"],
        given["max_depth"],
        given["timeout"],
        None if memory is None else memory // jobs,
    )
    properties = tuple(given["properties"])
    endless = bool(given["liveness"])
    return Options({}, properties, ENGINE, budget, without=WITHOUT, endless=endless), jobs


def to_go_on(known: Path | None, what: str = "those that are done") -> str:
    """Return what to tell somebody who interrupts a verb with `--resume`, given its file."""
    if known is None:
        return f"`--resume FILE` keeps {what}, for the next time"
    return f"the same command goes on from {known}"
