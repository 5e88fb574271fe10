"""Refuse what a property of runs could not tell apart: one object gone and another there, at once.

What is owed to an object is owed to its slot, from state to state. If one step frees an object and
makes another, the new one may get the slot of the old one, and nothing would tell which is owed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kmcheck.frontend.report import Reporter
from kmcheck.ir.code import END, Alloc, Block, Free, Template, targets
from kmcheck.ir.program import ENDLESS, Kind, Property
from kmcheck.ir.types import Ref, SetOf


def refuse_reborn(
    reporter: Reporter,
    templates: Mapping[str, Template],
    properties: Sequence[Property],
    kinds: Mapping[str, Kind],
) -> None:
    """Refuse properties of runs about objects that one step frees and makes."""
    for prop in properties:
        if prop.when not in ENDLESS:
            continue
        for _, _, domain in prop.parameters:
            if isinstance(domain.type, SetOf) and isinstance(domain.type.element, Ref):
                _check(reporter, templates, prop, _holding(kinds, domain.type.element.kind))


def _holding(kinds: Mapping[str, Kind], kind: str) -> set[str]:
    """Return a kind, and the kinds that it is embedded in."""
    found = {kind}
    while more := {n for n, k in kinds.items() if found & set(k.embedded.values())} - found:
        found |= more
    return found


def _check(
    reporter: Reporter, templates: Mapping[str, Template], prop: Property, kinds: set[str]
) -> None:
    for template in templates.values():
        if template.role == "setup":
            continue
        for number, block in enumerate(template.blocks):
            for at, instruction in enumerate(block.instructions):
                if isinstance(instruction, Free) and instruction.kind in kinds:
                    made = _made_after(template.blocks, number, at, instruction.kind)
                    if made is not None:
                        _refuse(reporter, prop, template, made)
                        return


def _made_after(blocks: Sequence[Block], number: int, at: int, kind: str) -> Alloc | None:
    """Return what makes such an object behind an instruction, in the same step."""
    rest = [blocks[number].instructions[at:]]
    seen: set[int] = set()
    ahead = list(targets(blocks[number]))
    for target in ahead:
        if target != END and target not in seen and not blocks[target].cut:
            seen.add(target)
            rest.append(blocks[target].instructions)
            ahead += targets(blocks[target])
    every = (instruction for part in rest for instruction in part)
    return next((i for i in every if isinstance(i, Alloc) and i.kind == kind), None)


def _refuse(reporter: Reporter, prop: Property, template: Template, made: Alloc) -> None:
    name = template.name.rpartition(".")[2]
    title = f"one step of `{name}` frees a {made.kind} and makes another: which one is owed this?"
    hint = f"make the new one in a step of its own: {made.span.where} is in the same one"
    reporter.report("K088", title, prop.span, "", hint)
