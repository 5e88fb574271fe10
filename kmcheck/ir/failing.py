"""What may go wrong when an expression is evaluated: an address followed, a range left.

Everything here errs to the safe side: what is said never to fail does not, in any state.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from kmcheck.ir.expr import (
    Alive,
    And,
    Before,
    Bound,
    Closure,
    Cond,
    Const,
    Element,
    Embedded,
    Expr,
    LivesIn,
    Load,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
    Self,
    Slots,
    Var,
    children,
)
from kmcheck.ir.program import Program, Property
from kmcheck.ir.types import Int, Ref, SetOf, Type

TOTAL = {
    *("not", "neg", "add", "sub", "mul", "min", "max"),
    *("eq", "ne", "lt", "le", "gt", "ge", "same", "differ", "is_alive"),
    *("has", "without", "union", "intersect", "minus", "unseen", "subset", "size", "only"),
    *("list_has", "list_first", "list_len"),
    *("form_int", "form_size", "form_add", "form_sub"),
}
"""Operations that have a value for all operands."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known where an expression stands: variables and cells that hold good addresses.

    A good address is that of an object which lives: it is not null, not stale, and was assigned.
    """

    program: Program
    variables: AbstractSet[str] = frozenset()
    cells: AbstractSet[int] = frozenset()

    def good(self, expr: Expr) -> bool:
        """Tell whether an expression never fails, and is a good address."""
        match expr:
            case Var(name=name):
                return name in self.variables
            case Bound(cell=cell):
                return cell in self.cells
            case Element():
                return not self.may_fail(expr)
            case Embedded(ref=ref):
                return self.good(ref)
            case Cond(test, then, other):
                return not self.may_fail(test) and self.good(then) and self.good(other)
        return False

    def may_fail(self, expr: Expr) -> bool:
        """Tell whether evaluating an expression may end in a violation, or depend on sizes."""
        match expr:
            case Const() | Var() | Bound() | Self() | Alive() | Running() | Slots():
                return False
            case Load(ref=ref, kind=kind):
                return self.program.kinds[kind].may_be_uninitialised or not self.good(ref)
            case Embedded(ref=ref):
                return not self.good(ref)
            case Element(group=group, index=index):
                return not self._in_range(group, index)
            case Quantifier():
                return self._quantifier_may_fail(expr)
            case Op(name="with", args=(group, member)):
                unsure = not isinstance(member, Self) and not self.good(member)
                return unsure or self.may_fail(group)
            case Op(name=name) if name not in TOTAL:
                return True
            case Op() | And() | Or() | Cond() | LivesIn() | Closure() | Before() | Position():
                return any(self.may_fail(inner) for inner in children(expr))
        return True

    def _in_range(self, group: str, index: Expr) -> bool:
        per = next(g.per for g in self.program.globals if g.name == group)
        match index:
            case Const(value=0):
                return per != "process"
            case Self():
                return per == "process"
        return per == "system"

    def _quantifier_may_fail(self, expr: Quantifier) -> bool:
        inside = self
        if isinstance(expr.domain, Alive):
            inside = replace(self, cells={*self.cells, expr.cell})
        parts = (expr.where, expr.body)
        return self.may_fail(expr.domain) or any(inside.may_fail(part) for part in parts)


def fits(value: Expr, into: Type) -> bool:
    """Tell whether no value of an expression leaves the range of the type it is stored in."""
    if not isinstance(into, Int):
        return True
    if isinstance(value, Cond):
        return fits(value.then, into) and fits(value.other, into)
    return isinstance(value.type, Int) and into.lo <= value.type.lo and value.type.hi <= into.hi


def bound_cells(domains: tuple[tuple[int, Expr], ...]) -> frozenset[int]:
    """Return the cells, of those quantified over domains, that hold the addresses of what lives."""
    return frozenset(
        cell
        for cell, domain in domains
        if isinstance(domain, Alive)
        and isinstance(domain.type, SetOf)
        and isinstance(domain.type.element, Ref)
    )


def asked(program: Program, wanted: AbstractSet[str] | None) -> tuple[Property, ...]:
    """Return the properties that may have a say: the wanted ones, and those that may fail.

    What goes wrong in evaluating a property is a violation too, though nobody wants the property.
    """
    return tuple(prop for prop in program.properties if _is_asked(program, prop, wanted))


def _is_asked(program: Program, prop: Property, wanted: AbstractSet[str] | None) -> bool:
    if wanted is None or prop.name in wanted:
        return True
    domains = tuple((cell, domain) for cell, _, domain in prop.parameters)
    known = Known(program, cells=bound_cells(domains))
    return any(map(known.may_fail, prop.asks))
