"""Typed operators: from operands to an expression, or a reason why not."""

from __future__ import annotations

import ast
from typing import Literal

from kmcheck.diagnostics import Span
from kmcheck.frontend.conversions import Mismatch, as_form, convert
from kmcheck.ir.expr import And, Const, Expr, Op
from kmcheck.ir.operations import OpName
from kmcheck.ir.types import (
    BOOL,
    COUNTER,
    SIZE,
    ArrayOf,
    Bool,
    EnumType,
    Int,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Type,
    Void,
    article,
)

_OPERATORS = {
    "/": "write `//`, and a constant behind it",
    "<<": "write `* 2`",
    ">>": "write `// 2`",
    "**": "write a product",
}
_MEMBERS = "ask for what it holds: perhaps a field of it"
_GROUPS = "to compare, write `==`; of an array, ask for its elements"
_ARITHMETIC: dict[type[ast.operator], OpName] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.FloorDiv: "div",
    ast.Mod: "mod",
}
_SETS: dict[type[ast.operator], OpName] = {
    ast.BitOr: "union",
    ast.BitAnd: "intersect",
    ast.Sub: "minus",
}
_FORMS: dict[type[ast.operator], OpName] = {ast.Add: "form_add", ast.Sub: "form_sub"}
_ORDER: dict[type[ast.cmpop], Literal["eq", "ne", "lt", "le", "gt", "ge"]] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Is: "eq",
    ast.IsNot: "ne",
}


def binary(op: ast.operator, left: Expr, right: Expr, span: Span) -> Expr:
    """Return `left op right`.

    Raises:
        Mismatch: the operator does not take these.
    """
    a, b = left.type, right.type
    if isinstance(a, Int) and isinstance(b, Int) and type(op) in _ARITHMETIC:
        return _integers(_ARITHMETIC[type(op)], left, right, span)
    if isinstance(a, SetOf) and isinstance(b, SetOf) and type(op) in _SETS:
        either = convert(right, a) or right
        if either.type != a:
            raise Mismatch(f"these are {article(a)} and {article(b)}")
        return Op(_SETS[type(op)], (left, either), a, span)
    x, y = as_form(left), as_form(right)
    if x is not None and y is not None and type(op) in _FORMS:
        return Op(_FORMS[type(op)], (x, y), COUNTER, span)
    sign = _symbol(op)
    if type(op) not in {**_ARITHMETIC, **_SETS}:
        raise Mismatch(f"`{sign}` is not in the spec language", _OPERATORS.get(sign, ""))
    hint = ""
    if isinstance(a, Int) and isinstance(b, Int):
        hint = "flags are fields, each a bool"
    if isinstance(a, (Ref, ProcessId)) or isinstance(b, (Ref, ProcessId)):
        hint = "addresses are compared and followed, not computed with"
    raise Mismatch(f"`{sign}` does not take {article(a)} and {article(b)}", hint)


def _integers(name: OpName, left: Expr, right: Expr, span: Span) -> Expr:
    if name in ("div", "mod") and (not isinstance(right, Const) or right.value == 0):
        raise Mismatch("the divisor is to be a constant other than zero", "write an `if` for each")
    kind = _interval(name, left.type, right.type)
    if kind.lo < -(2**63) or kind.hi >= 2**63:
        hint = "give what it is computed from a range: `Annotated[int, range(8)]`"
        raise Mismatch("this may not fit 64 bits", hint)
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(kind.lo, kind, span)
    return Op(name, (left, right), kind, span)


def _interval(name: OpName, a: Type, b: Type) -> Int:
    assert isinstance(a, Int)
    assert isinstance(b, Int)
    match name:
        case "add":
            return Int(a.lo + b.lo, a.hi + b.hi)
        case "sub":
            return Int(a.lo - b.hi, a.hi - b.lo)
        case "mul":
            corners = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
            return Int(min(corners), max(corners))
        case "div":
            corners = [a.lo // b.lo, a.hi // b.lo]
            return Int(min(corners), max(corners))
        case _:
            if a.lo == a.hi:
                return Int(a.lo % b.lo, a.lo % b.lo)
            return Int(0, b.lo - 1) if b.lo > 0 else Int(b.lo + 1, 0)


def compare(op: ast.cmpop, left: Expr, right: Expr, span: Span) -> Expr:
    """Return `left op right`.

    Raises:
        Mismatch: these cannot be compared so.
    """
    if isinstance(op, (ast.In, ast.NotIn)):
        inside = _membership(left, right, span)
        return inside if isinstance(op, ast.In) else Op("not", (inside,), BOOL, span)
    name = _ORDER[type(op)]
    a, b = left.type, right.type
    if isinstance(a, Int) and isinstance(b, Int):
        return _fold(name, left, right, span)
    if {a, b} & {COUNTER, SIZE}:
        return _symbolic(op, name, left, right, span)
    if isinstance(a, SetOf) and isinstance(b, SetOf) and isinstance(op, ast.LtE):
        return Op("subset", (left, convert(right, a) or right), BOOL, span)
    right, left = convert(right, a) or right, convert(left, b) or left
    if left.type != right.type:
        raise Mismatch(f"{article(a)} is never equal to {article(b)}", _comparable(a, b))
    if name not in ("eq", "ne"):
        if isinstance(a, (Ref, ProcessId)):
            raise Mismatch("addresses have no order", "they are equal or not: `==`, `!=`")
        hint = "compare it with `==` and `!=`"
        if isinstance(a, SetOf):
            hint = "`a <= b` tells whether all of `a` is in `b`"
        raise Mismatch(f"{article(a)} has no order", hint)
    if isinstance(left.type, Ref):
        return Op("same" if name == "eq" else "differ", (left, right), BOOL, span)
    if isinstance(getattr(left.type, "element", None), Ref):
        return _same_members(name, left, right, span)
    return _fold(name, left, right, span)


def _comparable(a: Type, b: Type) -> str:
    """Return a hint for a comparison of two types."""
    for one, other in ((a, b), (b, a)):
        if isinstance(one, EnumType):
            return f"compare it with a member: `{one.name}.{one.members[0]}`"
        if isinstance(one, Int) and isinstance(other, Void):
            return "an int is never None: compare it with a number"
        if isinstance(one, Bool) and isinstance(other, (Int, Void)):
            return "a bool is True or False: write `x`, or `not x`"
    return "compare what is of one type: perhaps a field of one of them"


def _same_members(
    name: Literal["eq", "ne", "lt", "le", "gt", "ge"], left: Expr, right: Expr, span: Span
) -> Expr:
    """Return whether two sets have the same addresses in them, dangling or not."""
    if not isinstance(left.type, SetOf):
        raise Mismatch("lists and arrays of objects are not compared as a whole", "compare members")
    there, back = ((left, right), (right, left))
    both = And((Op("subset", there, BOOL, span), Op("subset", back, BOOL, span)), BOOL, span)
    return both if name == "eq" else Op("not", (both,), BOOL, span)


def _fold(
    name: Literal["eq", "ne", "lt", "le", "gt", "ge"], left: Expr, right: Expr, span: Span
) -> Expr:
    if isinstance(left, Const) and isinstance(right, Const) and not isinstance(left.value, tuple):
        x, y = left.value, right.value
        table = {"eq": x == y, "ne": x != y}
        if isinstance(y, int):
            table |= {"lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}
        return Const(int(table[name]), BOOL, span)
    return Op(name, (left, right), BOOL, span)


def _symbolic(
    op: ast.cmpop,
    name: Literal["eq", "ne", "lt", "le", "gt", "ge"],
    left: Expr,
    right: Expr,
    span: Span,
) -> Expr:
    x, y = as_form(left), as_form(right)
    if x is None or y is None or isinstance(op, (ast.Is, ast.IsNot)):
        sign = _symbol(op)
        hint = "compare sums of sizes and numbers, by `==`, `<` and the like"
        raise Mismatch(
            f"`{sign}` does not take {article(left.type)} and {article(right.type)}", hint
        )
    table: dict[str, OpName] = {
        "eq": "form_eq",
        "ne": "form_ne",
        "lt": "form_lt",
        "le": "form_le",
        "gt": "form_gt",
        "ge": "form_ge",
    }
    return Op(table[name], (x, y), BOOL, span)


def _membership(member: Expr, group: Expr, span: Span) -> Expr:
    match group.type:
        case SetOf(element=element):
            value = convert(member, element)
            if value is None:
                raise Mismatch(
                    f"{article(group.type)} never has {article(member.type)} in it", _MEMBERS
                )
            return Op("has", (group, value), BOOL, span)
        case ListOf(element=element):
            value = convert(member, element)
            if value is None:
                raise Mismatch(
                    f"{article(group.type)} never has {article(member.type)} in it", _MEMBERS
                )
            return Op("list_has", (group, value), BOOL, span)
        case ArrayOf() | _:
            raise Mismatch(f"`in` takes a set or a list, not {article(group.type)}", _GROUPS)


def _symbol(op: ast.operator | ast.cmpop) -> str:
    symbols = {
        "Add": "+",
        "Sub": "-",
        "Mult": "*",
        "FloorDiv": "//",
        "Mod": "%",
        "BitOr": "|",
        "BitAnd": "&",
        "Eq": "==",
        "NotEq": "!=",
        "Lt": "<",
        "LtE": "<=",
        "Gt": ">",
        "GtE": ">=",
        "Is": "is",
        "IsNot": "is not",
        "Div": "/",
        "Pow": "**",
        "LShift": "<<",
        "RShift": ">>",
        "BitXor": "^",
        "MatMult": "@",
    }
    return symbols[type(op).__name__]


def is_symbolic(expr: Expr) -> bool:
    """Tell whether a truth value depends on sizes."""
    return isinstance(expr, Op) and expr.name in (
        "form_eq",
        "form_ne",
        "form_lt",
        "form_le",
        "form_gt",
        "form_ge",
    )
