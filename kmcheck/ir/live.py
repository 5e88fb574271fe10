"""Which variables are live: read later, before they are assigned again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmcheck.ir.code import (
    END,
    Alloc,
    Assign,
    Block,
    Branch,
    Choose,
    Instruction,
    Spawn,
    targets,
    values,
)
from kmcheck.ir.expr import Expr, Var, walk


def read_by(expr: Expr) -> set[str]:
    """Return the variables that an expression reads."""
    return {node.name for node in walk(expr) if isinstance(node, Var)}


def written_by(instruction: Instruction) -> str | None:
    """Return the variable that an instruction assigns."""
    match instruction:
        case Assign(var=var) | Choose(var=var) | Alloc(var=var) | Spawn(var=var):
            return var
        case _:
            return None


def mentioned(blocks: Sequence[Block]) -> set[str]:
    """Return the variables that code reads or assigns."""
    found: set[str] = set()
    for block in blocks:
        if isinstance(block.terminator, Branch):
            found |= read_by(block.terminator.condition)
        for instruction in block.instructions:
            found |= set().union(*(read_by(e) for e in values(instruction)))
            found.add(written_by(instruction) or "")
    return found


def live_steps(
    block: Block, leaving: set[str], candidates: set[str]
) -> Iterator[tuple[Instruction, set[str], set[str]]]:
    """Yield each instruction with the variables that it touches and those live behind it."""
    live = set(leaving)
    if isinstance(block.terminator, Branch):
        live |= read_by(block.terminator.condition) & candidates
    found = []
    for instruction in reversed(block.instructions):
        reads = set().union(*(read_by(e) for e in values(instruction))) & candidates
        written = written_by(instruction)
        touched = reads | ({written} if written in candidates else set())
        found.append((instruction, touched, set(live)))
        live.discard(written or "")
        live |= reads
    yield from reversed(found)


def _own(block: Block, candidates: set[str]) -> tuple[set[str], set[str]]:
    """Return what a block reads before it assigns it, and all that it assigns."""
    needed: set[str] = set()
    killed: set[str] = set()
    if isinstance(block.terminator, Branch):
        needed |= read_by(block.terminator.condition) & candidates
    for instruction in reversed(block.instructions):
        written = written_by(instruction)
        if written is not None:
            needed.discard(written)
            killed.add(written)
        needed |= set().union(*(read_by(e) for e in values(instruction))) & candidates
    return needed, killed


def live_in(blocks: Sequence[Block], candidates: set[str]) -> list[set[str]]:
    """Return, for each block, the variables that are live where it begins."""
    entering: list[set[str]] = [set() for _ in blocks]
    own = [_own(block, candidates) for block in blocks]
    changed = True
    while changed:
        changed = False
        for number in reversed(range(len(blocks))):
            leaving = set().union(*(entering[t] for t in targets(blocks[number]) if t != END))
            needed, killed = own[number]
            live = needed | (leaving - killed)
            if live != entering[number]:
                entering[number] = live
                changed = True
    return entering
