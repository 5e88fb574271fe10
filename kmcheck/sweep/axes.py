"""Which cells there are: the values that each bound and choice takes in turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from kmcheck.diagnostics import Source, UsageError
from kmcheck.frontend import compile_spec
from kmcheck.frontend.hints import did_you_mean
from kmcheck.frontend.settings import spell
from kmcheck.ir.program import Setting

MOST = 10_000
"""Cells that a table has at the most."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A bound or a choice, and the values that it takes in turn."""

    name: str
    values: tuple[str, ...]
    is_bound: bool


def along(wanted: tuple[Axis, ...]) -> Axis | None:
    """Return the first bound that takes the most values; None if none takes two."""
    bounds = [axis for axis in wanted if axis.is_bound and len(axis.values) > 1]
    return max(bounds, key=lambda axis: len(axis.values), default=None)


def axes(source: Source, given: Mapping[str, str]) -> tuple[Axis, ...]:
    """Return the axes that the user asked for, in the order in which the spec declares them.

    Args:
        source: the spec.
        given: for each bound and choice its values: `1..4`, `yes,no`, `all`.

    Raises:
        SpecError: the spec is wrong.
        UsageError: there is no such bound, choice or value, or there are none, or too many.
    """
    declared = {setting.name: setting for setting in compile_spec(source, {}).settings}
    for name in given:
        if name not in declared:
            hint = did_you_mean(name, declared) or "this spec has no bounds and no choices"
            raise UsageError(f"the spec has no bound or choice `{name}`", hint)
    found = tuple(
        Axis(name, _values(source, setting, given[name]), setting.kind == "bound")
        for name, setting in declared.items()
        if name in given
    )
    if prod(len(axis.values) for axis in found) > MOST:
        raise UsageError(f"the table has more than {MOST:,} cells", "give fewer values")
    return found


def _values(source: Source, setting: Setting, given: str) -> tuple[str, ...]:
    """Return the values that a text names, as the command line takes them, each once."""
    wanted = [value for part in given.split(",") for value in _part(setting, part.strip())]
    spelled = []
    for value in wanted:
        program = compile_spec(source, {setting.name: value})  # which refuses what is beyond
        spelled.append(next(spell(s) for s in program.settings if s.name == setting.name))
    return tuple(dict.fromkeys(spelled))


def _part(setting: Setting, part: str) -> list[str]:
    name = setting.name
    if part == "all":
        if setting.kind == "bound":
            hint = f"write how far: `-D {name}=1..4`"
            raise UsageError(f"{name} is a bound, and has too many values for `all`", hint)
        return [option.lower() for option in setting.options]
    match = re.fullmatch(r"(-?\d+)\s*\.\.\s*(-?\d+)", part)
    if match is None:
        if not part or ".." in part:
            hint = f"write `-D {name}=1..4`, `-D {name}=1,2,4` or `-D {name}=all`"
            raise UsageError(f"`{part}` is no range of {name}", hint)
        return [part]
    if setting.kind == "choice":
        hint = f"write `-D {name}={','.join(o.lower() for o in setting.options)}`"
        raise UsageError(f"{name} is a choice, and has no range", hint)
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise UsageError(f"the range {part} of {name} is empty", f"write {last}..{first}")
    if last - first >= MOST:
        raise UsageError(f"the range {part} of {name} is too long", "give fewer values")
    return [str(number) for number in range(first, last + 1)]
