"""Which steps are sticky: each cycle of states has one of them.

Around a cycle every process that moves comes back to where it was. Of the templates of those who
move, take one that no other of them starts (up to those that start each other, where each start is
sticky): its instance went round in its own code, and so took a step that leads back there.

Source: R. Kurshan, V. Levin, M. Minea, D. Peled, H. Yenigün, "Static partial order reduction"
(TACAS 1998).
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from kmcheck.ir.code import END, Spawn, Template
from kmcheck.ir.flow import step_blocks, step_ends
from kmcheck.ir.program import Program


def sticky(template: Template, already: AbstractSet[int]) -> set[int]:
    """Return cuts, so that none of the rest but those `already` given lies on a cycle."""
    cuts = {n for n, block in enumerate(template.blocks) if block.cut or n == template.entry}
    following = {
        cut: sorted(step_ends(template.blocks, cut) - {END} - already) for cut in cuts - already
    }
    found: set[int] = set()
    done: set[int] = set()
    for first in sorted(following):
        if first not in done:
            found |= _leading_back(following, first, done)
    return found


def _leading_back(following: dict[int, list[int]], first: int, done: set[int]) -> set[int]:
    """Search depth first, and return what leads back to where the search is under way."""
    found: set[int] = set()
    under_way = {first}
    stack = [(first, iter(following[first]))]
    while stack:
        number, ahead = stack[-1]
        for target in ahead:
            if target in under_way:
                found.add(number)
            elif target not in done:
                under_way.add(target)
                stack.append((target, iter(following[target])))
                break
        else:
            stack.pop()
            under_way.discard(number)
            done.add(number)
    return found


def starts(template: Template, cut: int) -> set[str]:
    """Return the processes that a step from a cut may start itself."""
    return {
        instruction.process
        for number in step_blocks(template.blocks, cut)
        for instruction in template.blocks[number].instructions
        if isinstance(instruction, Spawn)
    }


def starting_each_other(program: Program) -> dict[str, frozenset[str]]:
    """Return, for each template, those that it starts and that may lead to its being started."""
    direct = {
        name: set().union(*(starts(t, n) for n in range(len(t.blocks))))
        for name, t in program.templates.items()
        if t.role != "setup"
    }
    reached = {name: _closure(direct, started) for name, started in direct.items()}
    return {
        name: frozenset(other for other in started if name in reached[other] | {other})
        for name, started in direct.items()
    }


def _closure(direct: dict[str, set[str]], some: Collection[str]) -> set[str]:
    ahead = list(some)
    for name in ahead:
        ahead += direct[name] - set(ahead)
    return set(ahead)
