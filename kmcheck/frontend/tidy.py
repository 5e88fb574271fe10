"""Tidies lowered code: what is never reached goes, dead temporaries are reset, blocks are joined.

A temporary that keeps its value when nobody will read it any more would tell apart states that
behave alike, so it is set back to zero in the step in which it was last read.
"""

from __future__ import annotations

from dataclasses import replace

from kmcheck.frontend.zero import zero_of
from kmcheck.ir.code import END, Assign, Block, Branch, Instruction, Jump, Terminator, targets
from kmcheck.ir.live import live_in, live_steps, read_by
from kmcheck.ir.types import Type


def tidy(
    blocks: tuple[Block, ...], variables: dict[str, Type], *, join: bool = True
) -> tuple[tuple[Block, ...], int]:
    """Return the tidied blocks, and where to begin."""
    kept, entry = _thread(list(blocks), 0)
    kept, entry = _reachable(kept, entry)
    temporaries = {name for name in variables if name.startswith("@") and name != "@cpu"}
    kept = _reset_dead(kept, variables, temporaries)
    kept = _join(kept, entry) if join else kept
    kept, entry = _reachable(kept, entry)
    return tuple(kept), entry


def _thread(blocks: list[Block], entry: int) -> tuple[list[Block], int]:
    """Let jumps to empty blocks go straight to where these go."""

    def final(number: int) -> int:
        seen = set()
        while number != END and number not in seen:
            seen.add(number)
            block = blocks[number]
            if block.cut or block.instructions or not isinstance(block.terminator, Jump):
                break
            number = block.terminator.target
        return number

    return [_ending(b, _retarget(b.terminator, final)) for b in blocks], entry


def _ending(block: Block, terminator: Terminator) -> Block:
    """Return a block that ends so: mostly it does already."""
    same = terminator == block.terminator
    return block if same else replace(block, terminator=terminator)


def _retarget(terminator: Terminator, to: object) -> Terminator:
    assert callable(to)
    match terminator:
        case Jump(target):
            return Jump(to(target))
        case Branch(condition, then, other, span):
            return Branch(condition, to(then), to(other), span)


def _reachable(blocks: list[Block], entry: int) -> tuple[list[Block], int]:
    order, seen = [], set()
    ahead = [entry]
    while ahead:
        number = ahead.pop()
        if number == END or number in seen:
            continue
        seen.add(number)
        order.append(number)
        ahead.extend(reversed(targets(blocks[number])))
    renamed = {old: new for new, old in enumerate(sorted(order))} | {END: END}
    kept = [
        _ending(blocks[n], _retarget(blocks[n].terminator, renamed.__getitem__))
        for n in sorted(order)
    ]
    return kept, renamed[entry]


def _reset_dead(
    blocks: list[Block], variables: dict[str, Type], candidates: set[str]
) -> list[Block]:
    entering = live_in(blocks, candidates)
    result = []
    for block in blocks:
        leaving = set().union(*(entering[t] for t in targets(block) if t != END))
        instructions: list[Instruction] = []
        for instruction, touched, live in live_steps(block, leaving, candidates):
            instructions.append(instruction)
            instructions += [
                Assign(name, zero_of(variables[name], block.span), block.span)
                for name in sorted(touched - live)
            ]
        more = len(instructions) > len(block.instructions)
        result.append(replace(block, instructions=tuple(instructions)) if more else block)
    return _reset_on_edges(result, entering, variables, candidates)


def _reset_on_edges(
    blocks: list[Block], entering: list[set[str]], variables: dict[str, Type], candidates: set[str]
) -> list[Block]:
    """Reset what the end of a block still needs on one way on but not on the other."""
    extra: list[Block] = []

    def edge(block: Block) -> Terminator:
        leaving = set().union(*(entering[t] for t in targets(block) if t != END))
        if isinstance(block.terminator, Branch):
            leaving |= read_by(block.terminator.condition) & candidates

        def to(target: int) -> int:
            dead = leaving - (entering[target] if target != END else set())
            if not dead:
                return target
            resets = tuple(
                Assign(n, zero_of(variables[n], block.span), block.span) for n in sorted(dead)
            )
            extra.append(
                Block(resets, Jump(target), cut=False, calls=block.calls, note="", span=block.span)
            )
            return len(blocks) + len(extra) - 1

        return _retarget(block.terminator, to)

    changed = [replace(block, terminator=edge(block)) for block in blocks]
    return changed + extra


def _join(blocks: list[Block], entry: int) -> list[Block]:
    """Join a block with the only one that leads to it."""
    leading: dict[int, int] = {}
    for block in blocks:
        for target in targets(block):
            leading[target] = leading.get(target, 0) + 1
    joined = list(blocks)
    for number in range(len(joined)):
        block = joined[number]
        seen = {number}
        while isinstance(block.terminator, Jump) and block.terminator.target != END:
            target = block.terminator.target
            behind = joined[target]
            if behind.cut or leading[target] != 1 or target == entry or target in seen:
                break
            seen.add(target)
            block = replace(
                block,
                instructions=block.instructions + behind.instructions,
                terminator=behind.terminator,
            )
        joined[number] = block
    return joined
