"""How control flows: what a step runs through, and where it might go round."""

from __future__ import annotations

from collections.abc import Sequence

from kmcheck.ir.code import END, Block, targets


def step_blocks(blocks: Sequence[Block], start: int) -> list[int]:
    """Return the blocks that a step from `start` may run: those up to the next cuts, in order."""
    found, seen = [start], {start}
    for number in found:
        for target in targets(blocks[number]):
            if target != END and not blocks[target].cut and target not in seen:
                seen.add(target)
                found.append(target)
    return found


def step_ends(blocks: Sequence[Block], start: int) -> set[int]:
    """Return the cuts, and perhaps END, at which a step from `start` may end."""
    return {
        target
        for number in step_blocks(blocks, start)
        for target in targets(blocks[number])
        if target == END or blocks[target].cut
    }


def has_inner_loop(blocks: Sequence[Block], start: int | None = None) -> bool:
    """Tell whether a step (from `start`, or any) may run a block twice: it has to pass no cut."""
    starts = range(len(blocks)) if start is None else [start]
    done: set[int] = set()
    return any(first not in done and _goes_round(blocks, first, done) for first in starts)


def _goes_round(blocks: Sequence[Block], first: int, done: set[int]) -> bool:
    """Search depth first through what has no cut, and notice a block that leads to itself."""
    under_way = {first}
    stack = [(first, iter(targets(blocks[first])))]
    while stack:
        number, ahead = stack[-1]
        for target in ahead:
            if target == END or blocks[target].cut or target in done:
                continue
            if target in under_way:
                return True
            under_way.add(target)
            stack.append((target, iter(targets(blocks[target]))))
            break
        else:
            stack.pop()
            under_way.discard(number)
            done.add(number)
    return False
