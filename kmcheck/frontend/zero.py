"""What variables hold before they are assigned."""

from __future__ import annotations

from kmcheck.diagnostics import Span
from kmcheck.ir.expr import Const
from kmcheck.ir.types import (
    ArrayOf,
    Int,
    ListOf,
    Type,
)


def zero_of(kind: Type, span: Span) -> Const:
    """Return what a variable of a type holds before it is assigned."""
    match kind:
        case ListOf():
            return Const((), kind, span)
        case ArrayOf(element=element, length=length):
            one = zero_of(element, span).value
            return Const(tuple([int(one)] * length), kind, span)  # type: ignore[arg-type]
        case Int(lo=lo, hi=hi):
            return Const(min(max(0, lo), hi), kind, span)
        case _:
            return Const(0, kind, span)
