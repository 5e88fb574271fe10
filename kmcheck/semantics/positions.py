"""Where a process is: which blocks come before its first step, which lie inside of a call."""

from __future__ import annotations

from typing import Any

from kmcheck.ir.code import targets
from kmcheck.ir.expr import Position
from kmcheck.ir.layout import Layout
from kmcheck.semantics.addresses import Meaning


def first_cuts(layout: Layout, name: str) -> frozenset[int]:
    """Return the blocks at which a process may be that has not made a step yet."""
    from_entry, template = [layout.program.templates[name].entry], layout.program.templates[name]
    seen: set[int] = set()
    found: set[int] = set()
    while from_entry:
        at = from_entry.pop()
        if at < 0 or at in seen:
            continue
        seen.add(at)
        if template.blocks[at].cut:
            found.add(at)
        else:
            from_entry.extend(targets(template.blocks[at]))
    return frozenset(found)


def call_sites(layout: Layout) -> dict[str, dict[str, frozenset[int]]]:
    """For each process, for each function: the positions inside a call of it."""
    found: dict[str, dict[str, frozenset[int]]] = {}
    for name in layout.processes:
        inside: dict[str, set[int]] = {}
        for number, block in enumerate(layout.program.templates[name].blocks):
            for call in block.calls:
                inside.setdefault(call.function, set()).add(number + 1)
        found[name] = {function: frozenset(blocks) for function, blocks in inside.items()}
    return found


def position(layout: Layout, process: Meaning, expr: Position) -> Meaning:
    """Return whether a process has begun, has ended, or is inside of a call."""
    inside = call_sites(layout)
    flags: list[frozenset[int]] = []
    slots: list[int] = []
    for name in layout.processes:
        template = layout.program.templates[name]
        first = {b + 1 for b in first_cuts(layout, name)}
        marked = {
            "ended": frozenset({0}),
            "begun": frozenset(set(range(len(template.blocks) + 1)) - first),
            "inside": inside[name].get(expr.function, frozenset()),
        }[expr.what]
        for i in range(layout.instances(name)):
            flags.append(marked)
            slots.append(layout.pc[name] + i)

    def at(s: list[Any], p: int) -> bool:
        number = process(s, p) - 1
        return number >= 0 and s[slots[number]] in flags[number]

    return at
