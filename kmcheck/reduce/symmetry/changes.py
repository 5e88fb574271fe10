"""What the code of a program changes after setup, and what stays as it is for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.ir.code import Alloc, Free, Instruction, Spawn, Store
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import written_by
from kmcheck.ir.program import Program
from kmcheck.reduce.symmetry.faults import pointed
from kmcheck.semantics import State


@dataclass(frozen=True, slots=True)
class Changes:
    """What processes and actions do, setup left out, except for `dangling`."""

    dangling: frozenset[str]
    """Kinds that are ever freed, setup included, with all that is embedded in them."""
    allocated: frozenset[str]
    reborn: frozenset[str]
    """Kinds that are allocated or freed, with all that is embedded in them."""
    fields: frozenset[tuple[str, str]]
    variables: frozenset[tuple[str, str]]
    spawned: frozenset[str]


def changes(program: Program) -> Changes:
    """Look through all code of a program."""
    later = list(_instructions(program, setup=False))
    freed = {i.kind for _, i in _instructions(program, setup=True) if isinstance(i, Free)}
    allocated = {i.kind for _, i in later if isinstance(i, Alloc)}
    reborn = allocated | {i.kind for _, i in later if isinstance(i, Free)}
    return Changes(
        _with_parts(program, freed),
        frozenset(allocated),
        _with_parts(program, reborn),
        frozenset((i.kind, i.field) for _, i in later if isinstance(i, Store)),
        frozenset((name, written_by(i) or "") for name, i in later),
        frozenset(i.process for _, i in later if isinstance(i, Spawn)),
    )


def lasting(layout: Layout, found: Changes, initial: list[State]) -> Iterator[int]:
    """Yield the slots that hold the same from the beginning on, whatever setup has chosen.

    They are told by arrays: one field of all objects of a kind, one variable of all instances. If
    one of an array's slots may change, so may all.
    """
    for name in layout.processes:
        for variable, kind in layout.program.templates[name].variables.items():
            given = variable in layout.program.templates[name].parameters or variable == "@cpu"
            may_change = (
                (name, variable) in found.variables
                or (given and name in found.spawned)
                or pointed(kind) in found.dangling
            )
            if not may_change:
                base = layout.variables[name, variable]
                yield from _agreed(base, layout.instances(name), initial)
    for kind_name, declared in layout.program.kinds.items():
        if kind_name in found.reborn:
            continue
        base, count = layout.life[kind_name], layout.dynamic(kind_name).count
        yield from _agreed(base, count, initial)
        for field, info in declared.fields.items():
            if (kind_name, field) not in found.fields and pointed(info.type) not in found.dangling:
                yield from _agreed(layout.fields[kind_name, field], layout.pool(kind_name), initial)


def _agreed(base: int, count: int, initial: list[State]) -> range:
    first = initial[0][base : base + count]
    same = all(state[base : base + count] == first for state in initial)
    return range(base, base + count) if same else range(0)


def _instructions(program: Program, *, setup: bool) -> Iterator[tuple[str, Instruction]]:
    for name, template in program.templates.items():
        if template.role != "setup" or setup:
            for block in template.blocks:
                for instruction in block.instructions:
                    yield name, instruction


def _with_parts(program: Program, kinds: set[str]) -> frozenset[str]:
    ahead = list(kinds)
    for kind in ahead:
        ahead += program.kinds[kind].embedded.values()
    return frozenset(ahead)
