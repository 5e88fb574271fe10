"""The command that gives a result again."""

from __future__ import annotations

from shlex import quote

from kmcheck.diagnostics import STDIN
from kmcheck.verdict import ENGINE, WITHOUT, Budget, Label

SECONDS = (("h", 3600), ("m", 60))
BYTES = (("T", 2**40), ("G", 2**30), ("M", 2**20), ("K", 2**10))


def again(label: Label) -> list[str]:
    """Return the command, in parts between which a line may be broken."""
    flags = [f"-D {quote(f'{name}={value}')}" for name, value in label.changed]
    if label.engine != ENGINE:
        flags.append(f"--engine {label.engine}")
    if set(label.left_out) != WITHOUT:
        flags += [f"--no-reduce {name}" for name in label.left_out or ("none",)]
    if label.omission is not None:
        flags.append("--hash-compact")
    flags += [f"-p {quote(name)}" for name in label.wanted]
    if label.every:
        flags.append("--all")
    if label.liveness:
        flags.append("--liveness")
    if label.races:
        flags.append("--races")
    if label.audit:
        flags.append("--audit")
    named = "-" if label.path == STDIN else quote(label.path)
    return [f"kmcheck verify {named}", *flags, *_limits(label.budget)]


def _limits(budget: Budget | None) -> list[str]:
    """Return the limits that were given to a search that was given up."""
    if budget is None:
        return []
    seconds, size = budget.seconds, budget.wanted_bytes
    given = {
        "--max-states": budget.states,
        "--max-depth": budget.depth,
        "--timeout": None if seconds is None else _spelled(seconds, SECONDS, "s"),
        "--memory": None if size is None else _spelled(size, BYTES, ""),
    }
    return [f"{flag} {value}" for flag, value in given.items() if value is not None]


def _spelled(number: float, units: tuple[tuple[str, int], ...], least: str) -> str:
    """Return a number in the largest unit of which it is so many."""
    for unit, size in units:
        if number and number % size == 0:
            return f"{number // size:.0f}{unit}"
    return f"{number:.0f}{least}" if number == int(number) else f"{number}{least}"
