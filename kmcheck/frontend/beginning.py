"""Tells a process that is back at where it began from one that has not begun yet.

A process that begins with a loop comes back to its first step. Both are the same place in the
code, and may be the same state, so the beginning gets a copy of its own.
"""

from __future__ import annotations

from dataclasses import replace

from kmcheck.ir.code import END, Block, Branch, Jump, Template, Terminator, targets, values
from kmcheck.ir.expr import Expr, Position, walk
from kmcheck.ir.program import Property


def set_apart(
    templates: dict[str, Template], properties: tuple[Property, ...]
) -> dict[str, Template]:
    """Set all beginnings apart, if anything asks which processes have begun: it costs states."""
    if not _matters(templates, properties):
        return templates
    return {name: _set_apart(template) for name, template in templates.items()}


def _matters(templates: dict[str, Template], properties: tuple[Property, ...]) -> bool:
    asked: list[Expr] = [e for p in properties for e in p.asks]
    for template in templates.values():
        for block in template.blocks:
            for instruction in block.instructions:
                asked.extend(values(instruction))
            if isinstance(block.terminator, Branch):
                asked.append(block.terminator.condition)
    return any(p.when == "rest" for p in properties) or any(
        isinstance(part, Position) and part.what == "begun" for e in asked for part in walk(e)
    )


def _set_apart(template: Template) -> Template:
    """Return a template whose first steps are entered once only, by a process that begins."""
    blocks = template.blocks
    before, first = _beginning(blocks, template.entry)
    behind = _reachable(blocks, [t for number in first for t in targets(blocks[number])])
    if not behind & (before | first):
        return template
    copied = {old: len(blocks) + new for new, old in enumerate(sorted(before | first))}
    copies = tuple(
        replace(blocks[old], terminator=_renamed(blocks[old].terminator, copied))
        if old in before
        else blocks[old]
        for old in copied
    )
    return replace(template, blocks=blocks + copies, entry=copied[template.entry])


def _beginning(blocks: tuple[Block, ...], entry: int) -> tuple[set[int], set[int]]:
    """Return the blocks that are run before the first step begins, and those where it begins."""
    before: set[int] = set()
    first: set[int] = set()
    ahead = [entry]
    while ahead:
        number = ahead.pop()
        if number == END or number in before or number in first:
            continue
        if blocks[number].cut:
            first.add(number)
        else:
            before.add(number)
            ahead.extend(targets(blocks[number]))
    return before, first


def _reachable(blocks: tuple[Block, ...], ahead: list[int]) -> set[int]:
    seen: set[int] = set()
    while ahead:
        number = ahead.pop()
        if number != END and number not in seen:
            seen.add(number)
            ahead.extend(targets(blocks[number]))
    return seen


def _renamed(terminator: Terminator, names: dict[int, int]) -> Terminator:
    match terminator:
        case Jump(target):
            return Jump(names.get(target, target))
        case Branch(condition, then, other, span):
            return Branch(condition, names.get(then, then), names.get(other, other), span)
