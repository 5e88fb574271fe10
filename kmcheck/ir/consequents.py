"""What a property asks behind conditions: it may hold because these are never true.

Of `not a or b`, of `if not a: return True` in front of `return b`, it is `b`; of a quantifier it is
what it says of the members, if there ever are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kmcheck.diagnostics import Span
from kmcheck.ir.expr import And, Cond, Const, Expr, Op, Or, Quantifier
from kmcheck.ir.program import ENDLESS, Property
from kmcheck.ir.types import BOOL


@dataclass(frozen=True, slots=True)
class Consequent:
    """A part of a property, and when it is looked at.

    Where the property holds, evaluating `reached` looks at nothing that the property does not.
    """

    reached: Expr
    span: Span


def consequents(prop: Property) -> tuple[Consequent, ...]:
    """Return the parts of a property that it may never come to.

    None of one that speaks of sizes, for there conditions are formulas, or of runs that go on.
    """
    if prop.symbolic or prop.when in ENDLESS:
        return ()
    found = _parts(prop.formula)
    return tuple(Consequent(reached, span) for reached, span in found if reached is not None)


def _parts(expr: Expr) -> Iterator[tuple[Expr | None, Span]]:
    """Yield the parts of a truth value, each with when it is looked at: None is always."""
    match expr:
        case And(args):
            for part in args:
                yield from _parts(part)
        case Or(args):
            yield from _behind([_not(part) for part in args[:-1]], args[-1])
        case Cond(test, then, other):
            for condition, arm in ((test, then), (_not(test), other)):
                if not isinstance(arm, Const):
                    yield from _behind([condition], arm)
        case Quantifier(what="all", body=body):
            yield _some(expr, Const(1, BOOL, body.span)), expr.span
            for reached, span in _parts(body):
                if reached is not None:
                    yield _some(expr, reached), span
        case _:
            yield None, expr.span


def _behind(conditions: list[Expr], part: Expr) -> Iterator[tuple[Expr | None, Span]]:
    """Yield what is looked at where all conditions are true, then the parts of it."""
    yield And(tuple(conditions), BOOL, part.span), part.span
    for reached, span in _parts(part):
        if reached is not None:
            yield And((*conditions, reached), BOOL, span), span


def _some(every: Quantifier, reached: Expr) -> Quantifier:
    """Return that there is a member, and of it what is given."""
    return replace(every, what="any", body=reached, span=reached.span)


def _not(expr: Expr) -> Expr:
    if isinstance(expr, Op) and expr.name == "not":
        return expr.args[0]
    return Op("not", (expr,), BOOL, expr.span)
