"""What the code of a program can change: what it cannot is a constant, and takes no bits."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.ir.code import (
    END,
    Alloc,
    Assign,
    Branch,
    Check,
    Free,
    Instruction,
    Spawn,
    Store,
    Template,
    targets,
    values,
)
from kmcheck.ir.expr import Const, Expr, Initialised, Op, walk
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import live_in, live_steps, read_by, written_by
from kmcheck.ir.program import Program
from kmcheck.ir.types import ArrayOf, ListOf, Ref, SetOf, Type

COMPARISONS = {"form_eq", "form_ne", "form_lt", "form_le", "form_gt", "form_ge"}


def _closed(program: Program, kinds: set[str]) -> frozenset[str]:
    """Return kinds with all that is embedded in them."""
    ahead = list(kinds)
    for kind in ahead:
        ahead += program.kinds[kind].embedded.values()
    return frozenset(ahead)


def pointed(kind: Type | None) -> str | None:
    """Return the kind that values of a type point to."""
    match kind:
        case Ref(kind=name):
            return name
        case SetOf(element=element) | ListOf(element=element) | ArrayOf(element=element):
            return pointed(element)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Touched:
    """What processes and actions do, setup left out, except for `dangling`."""

    dangling: frozenset[str]
    """Kinds that are ever freed, setup included: an address of one may be stale."""
    reborn: frozenset[str]
    """Kinds that are allocated or freed."""
    fields: frozenset[tuple[str, str]]
    variables: frozenset[tuple[str, str]]
    spawned: frozenset[str]


def touched(program: Program) -> Touched:
    """Look through all code of a program."""
    freed: set[str] = set()
    reborn: set[str] = set()
    fields: set[tuple[str, str]] = set()
    variables: set[tuple[str, str]] = set()
    spawned: set[str] = set()
    for name, template in program.templates.items():
        for block in template.blocks:
            for instruction in block.instructions:
                if isinstance(instruction, Free):
                    freed.add(instruction.kind)
                if template.role == "setup":
                    continue
                variables.add((name, written_by(instruction) or ""))
                match instruction:
                    case Alloc(kind=kind) | Free(kind=kind):
                        reborn.add(kind)
                    case Store(kind=kind, field=field):
                        fields.add((kind, field))
                    case Spawn(process=process):
                        spawned.add(process)
    return Touched(
        _closed(program, freed),
        _closed(program, reborn),
        frozenset(fields),
        frozenset(variables),
        frozenset(spawned),
    )


def fleeting(layout: Layout, name: str) -> frozenset[str]:
    """Return the variables of a template that are zero between steps, and need no bits.

    One that is live where addresses become stale, or are looked through for stale ones, does need
    them, and so does one that a question to the solver may read. So does one that is read with a
    check that it was assigned: that it was not has to be kept.
    """
    template = layout.program.templates[name]
    return (_passing(template) | _reset(layout, template)) - may_be_unset(template)


def may_be_unset(template: Template) -> frozenset[str]:
    """Return the variables that are read with a check that they were assigned."""
    read = [v for block in template.blocks for i in block.instructions for v in values(i)]
    ends = (block.terminator for block in template.blocks)
    read += [end.condition for end in ends if isinstance(end, Branch)]
    return frozenset(n.var.name for e in read for n in walk(e) if isinstance(n, Initialised))


def _reset(layout: Layout, template: Template) -> frozenset[str]:
    """Return the variables that the code itself makes zero again in each step."""
    found = {
        name
        for name, kind in template.variables.items()
        if not name.startswith("@") and name not in template.parameters and pointed(kind) is None
    }
    for block in template.blocks:
        for instruction in block.instructions:
            found -= _asked(instruction)
    return frozenset(name for name in found if _is_reset(layout, template, name))


def _is_reset(layout: Layout, template: Template, name: str) -> bool:
    """Tell whether a variable is zero wherever a step ends, which it is where the first begins."""
    zero = layout.zero(template.variables[name])
    other = set()
    ahead = list(range(len(template.blocks)))
    for number in ahead:
        block = template.blocks[number]
        leaves = number in other
        for instruction in block.instructions:
            if written_by(instruction) == name:
                match instruction:
                    case Assign(value=Const(value=value)) if value == zero:
                        leaves = False
                    case _:
                        leaves = True
        for target in targets(block) if leaves else ():
            if target == END or template.blocks[target].cut:
                return False
            if target not in other:
                other.add(target)
                ahead.append(target)
    return True


def _passing(template: Template) -> frozenset[str]:
    """Return the temporaries that are not live where a step ends."""
    candidates = {v for v in template.variables if v.startswith("@") and v != "@cpu"}
    entering = live_in(template.blocks, candidates)
    lasting: set[str] = set(template.parameters)
    for number, block in enumerate(template.blocks):
        if block.cut or number == template.entry:
            lasting |= entering[number]
        leaving = set().union(*(entering[t] for t in _behind(block.terminator)))
        for instruction, read, live in live_steps(block, leaving, candidates):
            if isinstance(instruction, (Free, Alloc, Spawn)):
                lasting |= {v for v in live | read if pointed(template.variables[v])}
            lasting |= _asked(instruction)
    return frozenset(candidates - lasting)


def _behind(terminator: object) -> list[int]:
    found = [getattr(terminator, name, -1) for name in ("target", "then", "other")]
    return [number for number in found if number >= 0]


def _asked(instruction: Instruction) -> set[str]:
    if isinstance(instruction, Check) and is_symbolic(instruction.condition):
        return read_by(instruction.condition)
    return set()


def is_symbolic(expr: Expr) -> bool:
    """Tell whether the solver may have to decide a formula."""
    return any(isinstance(node, Op) and node.name in COMPARISONS for node in walk(expr))
