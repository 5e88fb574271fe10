"""A value as one of another type, or a reason why it is none."""

from __future__ import annotations

from kmcheck.ir.expr import Const, Expr, Op
from kmcheck.ir.types import (
    BOOL,
    COUNTER,
    VOID,
    Bool,
    Counter,
    EnumType,
    Function,
    Int,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Size,
    Type,
    article,
)


class Mismatch(Exception):  # noqa: N818
    """The operands do not fit the operator; the text says why, the hint what to write."""

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title)
        self.hint = hint


def instead_of(value: Expr, wanted: Type) -> str:
    """Return a hint for a value of the wrong type."""
    if isinstance(wanted, Bool) and isinstance(value.type, Int) and not isinstance(value, Const):
        return "compare it: `x != 0`"
    if isinstance(wanted, EnumType) and not isinstance(value.type, EnumType):
        return f"name a member: `{wanted.name}.{wanted.members[0]}`"
    if not isinstance(value, Const) or not isinstance(value.type, (Int, Bool)):
        return ""
    if isinstance(wanted, Bool) and value.value in (0, 1):
        return f"write `{bool(value.value)}`"
    if isinstance(wanted, (Ref, ProcessId)) and value.value == 0:
        return "what points nowhere is `None`"
    return ""


def convert(value: Expr, wanted: Type) -> Expr | None:
    """Return a value as one of the type wanted, None if it is not one."""
    have = value.type
    if have == wanted or (isinstance(have, Int) and isinstance(wanted, Int)):
        return value
    if isinstance(have, type(VOID)) and isinstance(wanted, (Ref, ProcessId, Function)):
        return Const(0, wanted, value.span)
    if wanted == COUNTER:
        return as_form(value)
    if isinstance(have, SetOf) and isinstance(wanted, SetOf) and have.element == VOID:
        return Const(0, wanted, value.span)
    return None


def as_form(value: Expr) -> Expr | None:
    """Return an integer, a size or a counter as a linear form."""
    match value.type:
        case Counter():
            return value
        case Size():
            return Op("form_size", (value,), COUNTER, value.span)
        case Int():
            return Op("form_int", (value,), COUNTER, value.span)
        case _:
            return None


def truth(value: Expr) -> Expr:
    """Return whether a value is true, as Python would say.

    Raises:
        Mismatch: the type has no truth value.
    """
    match value.type:
        case Bool():
            return value
        case Int():
            return Op("ne", (value, Const(0, value.type, value.span)), BOOL, value.span)
        case Ref() | ProcessId() | Function():
            return Op("ne", (value, Const(0, value.type, value.span)), BOOL, value.span)
        case SetOf():
            return Op("ne", (value, Const(0, value.type, value.span)), BOOL, value.span)
        case ListOf():
            return Op("ne", (value, Const((), value.type, value.span)), BOOL, value.span)
        case Counter() | Size():
            title = "whether a sum of sizes is zero may depend on the sizes"
            raise Mismatch(title, "write `.is_zero()`")
        case other:
            hint = "compare it with what it may be" if isinstance(other, EnumType) else ""
            raise Mismatch(f"{article(other)} is neither true nor false", hint)
