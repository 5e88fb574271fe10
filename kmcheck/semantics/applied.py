"""Applying the built-in operations: what each computes on the values of its operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kmcheck.diagnostics import Span
from kmcheck.ir.expr import Op
from kmcheck.ir.types import ArrayOf, Int, ListOf, Ref, SetOf, Type, first_code
from kmcheck.semantics.addresses import Meaning
from kmcheck.semantics.faults import Fault, Undecided
from kmcheck.semantics.operations import PLAIN, Corrupt, Dangling, set_operations

Operations = dict[str, Callable[..., Any]]

MAY_CORRUPT = {
    "with",
    "remove",
    "list_append",
    "list_push",
    "list_remove",
    "list_after",
    "list_rest",
    "list_concat",
}
"""Operations on lists and sets that not every member allows."""


def apply(expr: Op, args: list[Meaning], forms: Operations) -> Meaning:
    """Return the value of an operation on operands."""
    if expr.name == "array_get":
        return _array_get(args[0], args[1], expr.span)
    if expr.name == "array_set":
        new = _ranged(args[2], expr.args[2].type, expr.type, expr.span)
        return _array_set(args[0], args[1], new, expr.span)
    if expr.name == "linked":
        return _linked(args[0], expr)
    if expr.name == "form_is_zero":
        return _is_zero(args[0], expr.span)
    if expr.name == "with":
        args = [args[0], _ranged(args[1], expr.args[1].type, expr.type, expr.span)]
    function = _operation(expr, forms)
    if len(args) == 2:  # noqa: PLR2004 - nearly all, and the fast case
        a, b = args
        plain: Meaning = lambda s, p: function(a(s, p), b(s, p))  # noqa: E731
    elif len(args) == 1:
        (a,) = args
        plain = lambda s, p: function(a(s, p))  # noqa: E731
    else:
        plain = lambda s, p: function(*[f(s, p) for f in args])  # noqa: E731
    if expr.name not in MAY_CORRUPT:
        return plain
    return _corruptible(plain, expr)


def _operation(expr: Op, forms: Operations) -> Callable[..., Any]:
    """Return the function that an operation is."""
    if expr.name in PLAIN:
        return PLAIN[expr.name]
    if expr.name in forms:
        return forms[expr.name]
    container = expr.type if isinstance(expr.type, SetOf) else expr.args[0].type
    element = container.element if isinstance(container, SetOf) else container
    return set_operations(first_code(element), references=isinstance(element, Ref))[expr.name]


def _corruptible(plain: Meaning, expr: Op) -> Meaning:
    """Return an operation that may find a list corrupted."""
    container = expr.args[0].type
    element = container.element if isinstance(container, (SetOf, ListOf)) else container

    def run(s: list[Any], p: int) -> Any:
        try:
            return plain(s, p)
        except Corrupt as corrupt:
            raise Fault(
                "list-corruption", corrupt.message, expr.span, _thing(element, corrupt.member)
            ) from None
        except Dangling as dangling:
            raise _freed(element, dangling.member, expr.span) from None

    return run


def _linked(member: Meaning, expr: Op) -> Meaning:
    """Return a member whose links are about to be changed: it is not to be a freed object."""

    def checked(s: list[Any], p: int) -> Any:
        value = member(s, p)
        if value > 0 and value & 1:
            raise _freed(expr.type, value, expr.span)
        return value

    return checked


def _freed(element: Type, member: int, span: Span) -> Fault:
    kind = element.kind if isinstance(element, Ref) else "object"
    message = f"the links of a freed {kind} are followed"
    return Fault("use-after-free", message, span, _thing(element, member))


def _thing(element: Type, value: int) -> tuple[str, int] | None:
    return (element.kind, (value >> 1) - 1) if isinstance(element, Ref) and value > 0 else None


def _ranged(value: Meaning, have: Type, group: Type, span: Span) -> Meaning:
    """Return a member to be with a check that it is inside of its range."""
    element = group.element if isinstance(group, (SetOf, ArrayOf)) else group
    if not isinstance(element, Int):
        return value
    lo, hi = element.lo, element.hi
    if isinstance(have, Int) and lo <= have.lo and have.hi <= hi:
        return value

    def checked(s: list[Any], p: int) -> Any:
        result = value(s, p)
        if not lo <= result <= hi:
            message = f"{result} is outside of the range of a member, {lo} to {hi}"
            raise Fault("range", message, span)
        return result

    return checked


def _array_get(items: Meaning, index: Meaning, span: Span) -> Meaning:
    def get(s: list[Any], p: int) -> Any:
        values, at = items(s, p), index(s, p)
        if not 0 <= at < len(values):
            raise Fault(
                "range", f"index {at} is outside of the array's {len(values)} elements", span
            )
        return values[at]

    return get


def _array_set(items: Meaning, index: Meaning, new: Meaning, span: Span) -> Meaning:
    def changed(s: list[Any], p: int) -> Any:
        values, at = items(s, p), index(s, p)
        if not 0 <= at < len(values):
            raise Fault(
                "range", f"index {at} is outside of the array's {len(values)} elements", span
            )
        return (*values[:at], new(s, p), *values[at + 1 :])

    return changed


def _is_zero(form: Meaning, span: Span) -> Meaning:
    def decide(s: list[Any], p: int) -> bool:
        value = form(s, p)
        if not any(value):
            return True
        if all(c >= 0 for c in value) or all(c <= 0 for c in value):
            return False
        raise Undecided(span)

    return decide
