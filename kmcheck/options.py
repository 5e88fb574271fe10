"""What flags mean: settings, durations, amounts of memory; and the limits of a search."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from kmcheck import machine
from kmcheck.verdict import Budget

Command = TypeVar("Command", bound=Callable[..., int])

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def setting(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read `NAME=VALUE`, given several times; the last one of a name counts."""
    del ctx
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"`{value}` is not NAME=VALUE", param=param)
        found[name.strip()] = text.strip()
    return found


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read `90s`, `10m`, `2h`, or plain seconds."""
    del ctx
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", value.strip())
    if match is None:
        raise click.BadParameter(f"`{value}` is no time: write 90s, 10m or 2h", param=param)
    return float(match[1]) * SECONDS[match[2]]


def amount(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read `512M`, `8G`, or plain bytes."""
    del ctx
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
    if match is None:
        raise click.BadParameter(f"`{value}` is no amount of memory: write 512M or 8G", param=param)
    found = int(float(match[1]) * BYTES[match[2].upper()])
    if not found:
        raise click.BadParameter("no memory is too little", param=param)
    return found


def limits(
    beyond: str = "Give up beyond",
    after: str = "Give up after",
    shared: str = "",
    states: int | None = None,
) -> Callable[[Command], Command]:
    """Return what adds the flags of a search's limits to a command.

    `shared` says who shares the memory, `states` is how many are explored unless others are given.
    """
    options = [
        click.option("--max-states", type=click.IntRange(1), metavar="N", default=states,
                     show_default=states is not None, help=f"{beyond} so many states."),
        click.option("--max-depth", type=click.IntRange(0), metavar="N",
                     help=f"{beyond} so many steps."),
        click.option("--timeout", callback=duration, metavar="TIME",
                     help=f"{after} 90s, 10m, 2h."),
        click.option("--memory", callback=amount, metavar="SIZE",
                     help=f"Use at the most 512M, 8G{shared} [default: what is free]."),
    ]  # fmt: skip
    return added(options)


def added(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """Return what adds options to a command, so that its help lists them in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def budget(given: Mapping[str, Any], threads: int = 1, *, searches: int = 1) -> Budget:
    """Return what a search may cost, by these flags, if there are so many at once."""
    memory = (given["memory"] or machine.memory()) // searches
    return Budget(
        given["max_states"],
        given["max_depth"],
        given["timeout"],
        memory,
        threads,
        wanted_bytes=given["memory"],
    )
