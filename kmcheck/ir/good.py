"""Which variables hold the address of something that lives, whatever other processes do.

One that was followed does, and so does one that a global's address was assigned to; of kinds that
processes free none does for long.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from kmcheck.ir.code import (
    END,
    Alloc,
    Assign,
    Block,
    Branch,
    Check,
    Choose,
    Free,
    Instruction,
    Store,
    Template,
    targets,
    values,
)
from kmcheck.ir.expr import Alive, And, Closure, Cond, Expr, Load, Or, Quantifier, Var, children
from kmcheck.ir.failing import Known
from kmcheck.ir.live import written_by
from kmcheck.ir.order import embedding
from kmcheck.ir.program import Program
from kmcheck.ir.types import Ref


def mortal(program: Program) -> frozenset[str]:
    """Return the kinds that processes and actions free, with all that is embedded in them."""
    return embedding(
        program,
        {
            instruction.kind
            for template in program.templates.values()
            if template.role != "setup"
            for block in template.blocks
            for instruction in block.instructions
            if isinstance(instruction, Free)
        },
    )


def good_at(program: Program, template: Template, given: AbstractSet[str]) -> list[frozenset[str]]:
    """Return, for each block, the variables that hold good addresses wherever it begins.

    `given` are the parameters that do in the beginning. A block that is never reached has none.
    """
    lasting = stable(program, template)
    found: list[frozenset[str] | None] = [None] * len(template.blocks)
    found[template.entry] = frozenset(given & lasting)
    ahead = [template.entry]
    while ahead:
        number = ahead.pop()
        known = Known(program, found[number] or frozenset())
        leaving = _behind(template.blocks[number], known, lasting)
        for target in targets(template.blocks[number]):
            if target == END:
                continue
            before = found[target]
            after = leaving if before is None else before & leaving
            if after != before:
                found[target] = after
                ahead.append(target)
    return [known if known is not None else frozenset() for known in found]


def stable(program: Program, template: Template) -> frozenset[str]:
    """Return the variables that only hold addresses of what processes never free."""
    mortals = mortal(program)
    kinds = template.variables.items()
    return frozenset(n for n, kind in kinds if isinstance(kind, Ref) and kind.kind not in mortals)


def _behind(block: Block, known: Known, lasting: AbstractSet[str]) -> frozenset[str]:
    """Return what is good behind a block."""
    for instruction in block.instructions:
        known = behind(instruction, known, lasting)
    found = set(known.variables)
    if isinstance(block.terminator, Branch):
        found |= _followed(block.terminator.condition) & lasting
    return frozenset(found)


def behind(instruction: Instruction, known: Known, lasting: AbstractSet[str]) -> Known:
    """Return what is known behind an instruction: what was followed is good."""
    found = set(known.variables)
    written = written_by(instruction)
    good = _gives_good(instruction, known)
    for value in _evaluated(instruction):
        found |= _followed(value) & lasting
    if isinstance(instruction, Store) and isinstance(instruction.ref, Var):
        found |= {instruction.ref.name} & lasting
    if written is not None:
        found = found | {written} if good and written in lasting else found - {written}
    return replace(known, variables=frozenset(found))


def _evaluated(instruction: Instruction) -> tuple[Expr, ...]:
    """Return the expressions that are evaluated if all goes well: not what a check would tell."""
    if isinstance(instruction, Check):
        return (instruction.condition,)
    return tuple(values(instruction))


def _gives_good(instruction: Instruction, known: Known) -> bool:
    match instruction:
        case Assign(value=value):
            return known.good(value)
        case Choose(options=options):
            return isinstance(options, Alive)
        case Alloc():
            return True
    return False


def _followed(expr: Expr) -> set[str]:
    """Return the variables that are sure to be followed when an expression is evaluated."""
    found: set[str] = set()
    ahead = [expr]
    for node in ahead:
        match node:
            case Load(ref=Var(name=name)):
                found.add(name)  # a Load of null or of a stale address fails
            case And(args=args) | Or(args=args):
                ahead += args[:1]
            case Cond(test=test):
                ahead.append(test)
            case Quantifier(domain=domain):
                ahead.append(domain)
            case Closure(origin=origin):
                ahead.append(origin)
            case _:
                ahead += children(node)
    return found
