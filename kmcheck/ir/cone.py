"""What anything that matters depends on: the cone of influence of all that is decided.

A value matters if a branch, a guard, a check, a choice or an address that is followed reads it, or
a property that is asked for, or something that flows into what matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kmcheck.ir.code import (
    Assign,
    Branch,
    Instruction,
    Spawn,
    Store,
    Template,
    values,
)
from kmcheck.ir.expr import (
    Closure,
    Container,
    Element,
    Embedded,
    Expr,
    Initialised,
    Load,
    Op,
    Quantifier,
    Var,
    children,
    walk,
)
from kmcheck.ir.failing import TOTAL, Known, fits
from kmcheck.ir.order import pointed
from kmcheck.ir.program import Program, Property

Place = tuple[str, str, str]
"""`("variable", template, name)` or `("field", kind, name)`."""


def cone(program: Program, properties: Iterable[Property], *, leaks: bool) -> frozenset[Place]:
    """Return the places whose values matter; with `leaks`, also what leads from object to object.

    `properties` are those that are asked for.
    """
    influence = Influence(program)
    for prop in properties:
        for expr in prop.asks:
            influence.matters |= reads(expr, "")
    if leaks:
        influence.matters |= set(_leading(program))
    ahead = list(influence.matters)
    for place in ahead:
        for source in influence.sources.get(place, set()) - influence.matters:
            influence.matters.add(source)
            ahead.append(source)
    return frozenset(influence.matters)


def reads(expr: Expr, template: str) -> set[Place]:
    """Return what an expression of a template reads."""
    found: set[Place] = set()
    for node in walk(expr):
        match node:
            case Var(name=name):
                found.add(("variable", template, name))
            case Load(kind=kind, field=field) | Closure(kind=kind, field=field):
                found.add(("field", kind, field))
    return found


def _leading(program: Program) -> Iterator[Place]:
    """Yield the fields and the variables of daemons through which objects are reached."""
    for kind, declared in program.kinds.items():
        for name, info in declared.fields.items():
            if pointed(info.type) and not info.ghost:
                yield "field", kind, name
    for template in program.templates.values():
        if template.role == "daemon":
            for name, declared_type in template.variables.items():
                if pointed(declared_type):
                    yield "variable", template.name, name


class Influence:
    """What processes and actions decide by, and what flows where."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.known = Known(program)
        self.matters: set[Place] = set()
        self.sources: dict[Place, set[Place]] = {}
        for template in program.templates.values():
            if template.role != "setup":
                self._look_through(template)

    def _look_through(self, template: Template) -> None:
        for block in template.blocks:
            for instruction in block.instructions:
                self._instruction(instruction, template)
            if isinstance(block.terminator, Branch):
                self.matters |= reads(block.terminator.condition, template.name)

    def _instruction(self, instruction: Instruction, template: Template) -> None:
        match instruction:
            case Assign(var=var, value=value):
                target = ("variable", template.name, var)
                self._flows(
                    value, target, template, ranged=not fits(value, template.variables[var])
                )
            case Store(ref=ref, kind=kind, field=field, value=value):
                self.matters |= reads(ref, template.name)
                declared = self.program.kinds[kind].fields[field].type
                target = ("field", kind, field)
                self._flows(value, target, template, ranged=not fits(value, declared))
            case Spawn(process=process, args=args, cpu=cpu):
                started = self.program.templates[process]
                for parameter, value in zip(started.parameters, args, strict=True):
                    ranged = not fits(value, started.variables[parameter])
                    self._flows(value, ("variable", process, parameter), template, ranged=ranged)
                if cpu is not None:
                    self._flows(cpu, ("variable", process, "@cpu"), template, ranged=False)
            case _:
                for value in values(instruction):
                    self.matters |= reads(value, template.name)

    def _flows(self, value: Expr, target: Place, template: Template, *, ranged: bool) -> None:
        """Note that a value flows into a place; all of it matters if it may leave a range there."""
        read = reads(value, template.name)
        self.sources.setdefault(target, set()).update(read)
        self.matters |= read if ranged else self._deciding(value, template.name)

    def _deciding(self, expr: Expr, template: str) -> set[Place]:
        """Return what decides whether, and how, evaluating an expression fails."""
        if not self.known.may_fail(expr):
            return set()
        match expr:
            case Load(ref=ref, kind=kind, field=field):
                own = {("field", kind, field)}
                checked = self.program.kinds[kind].may_be_uninitialised
                return reads(ref, template) | (own if checked else set())
            case Embedded() | Container() | Element() | Initialised() | Quantifier():
                return reads(expr, template)
            case Op(name=name) if name in TOTAL:
                return set().union(*(self._deciding(a, template) for a in children(expr)))
            case _:
                return reads(expr, template)
