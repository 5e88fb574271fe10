"""What flags mean: settings, durations, amounts of memory."""

from __future__ import annotations

import re

import click

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
