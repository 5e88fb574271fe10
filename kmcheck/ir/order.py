"""Which kinds of objects are told apart by their slots: code takes the lowest member of a set.

A new object may get any free slot, and slots that no dangling address names stand for each other
(see `semantics.lifetimes`). That is so as long as nothing depends on the order of the slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kmcheck.ir.code import Alloc, Branch, Free, values
from kmcheck.ir.expr import Expr, Op, Quantifier, walk
from kmcheck.ir.failing import Known, bound_cells
from kmcheck.ir.program import Program
from kmcheck.ir.types import ArrayOf, ListOf, Ref, SetOf, Type


def pointed(kind: Type | None) -> str | None:
    """Return the kind that values of a type point to."""
    match kind:
        case Ref(kind=name):
            return name
        case SetOf(element=element) | ListOf(element=element) | ArrayOf(element=element):
            return pointed(element)
        case _:
            return None


def expressions(program: Program) -> Iterator[Expr]:
    """Yield all that processes, actions and properties evaluate."""
    for template in program.templates.values():
        if template.role == "setup":
            continue
        for block in template.blocks:
            for instruction in block.instructions:
                yield from values(instruction)
            if isinstance(block.terminator, Branch):
                yield block.terminator.condition
    for prop in program.properties:
        yield from prop.asks


def embedding(program: Program, kinds: set[str]) -> frozenset[str]:
    """Return kinds with all that is embedded in them."""
    ahead = sorted(kinds)
    for kind in ahead:
        ahead += program.kinds[kind].embedded.values()
    return frozenset(ahead)


def recycled(program: Program) -> frozenset[str]:
    """Return the kinds whose slots processes use again: allocated by them, and freed somewhere.

    It is these of which a dangling address makes a difference to where a new object goes.
    """
    born: set[str] = set()
    freed: set[str] = set()
    for template in program.templates.values():
        for block in template.blocks:
            for instruction in block.instructions:
                if isinstance(instruction, Alloc) and template.role != "setup":
                    born.add(instruction.kind)
                if isinstance(instruction, Free):
                    freed.add(instruction.kind)
    return embedding(program, born) & embedding(program, freed)


def ordered(program: Program) -> frozenset[str]:
    """Return the kinds of whose slots the order may show.

    It shows where the lowest member of a set is taken, and where members are looked at one after
    the other and one of them may fail: the first that does is the one that is told.
    """
    known = Known(program)
    found: set[str] = set()
    for expr in expressions(program):
        for node in walk(expr):
            match node:
                case Op(name="lowest", args=(group,)):
                    found.add(pointed(group.type) or "")
                case Quantifier(domain=domain):
                    if known.may_fail(node):
                        found.add(pointed(domain.type) or "")
    for prop in program.properties:
        domains = tuple((cell, domain) for cell, _, domain in prop.parameters)
        if replace(known, cells=bound_cells(domains)).may_fail(prop.formula):
            found |= {pointed(domain.type) or "" for _, domain in domains}
    return frozenset(found - {""})
