"""Constant expressions: what is known before anything runs."""

from __future__ import annotations

import ast
from collections.abc import Callable

from kmcheck.diagnostics import Span
from kmcheck.frontend.hints import did_you_mean
from kmcheck.frontend.report import Refused, Reporter
from kmcheck.frontend.source import span_of, tail_span
from kmcheck.frontend.symbols import (
    AliasSymbol,
    Broken,
    ConstantSymbol,
    EnumSymbol,
    Module,
)
from kmcheck.ir.expr import Const
from kmcheck.ir.types import BOOL, EnumType, Int, article


class Constants:
    """Evaluates constants. `reporter` collects what is wrong."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.resolving: list[AliasSymbol] = []
        """The names of types that are being looked up, to see one that stands for itself."""

    def refuse(
        self, module: Module, code: str, title: str, node: ast.AST, label: str = "", hint: str = ""
    ) -> Refused:
        """Note what is wrong at a node."""
        return self.reporter.refuse(code, title, (module.source, node), label, hint)

    def span(self, module: Module, node: ast.AST) -> Span:
        """Return where a node of a module stands."""
        return span_of(module.source, node)

    def constant(self, module: Module, node: ast.expr) -> Const:
        """Return the value of a constant expression.

        Raises:
            Refused: it is none.
        """
        span = span_of(module.source, node)
        match node:
            case ast.Constant(value=bool() as flag):
                return Const(int(flag), BOOL, span)
            case ast.Constant(value=int() as number):
                if abs(number) >= 2**31:
                    raise self.refuse(module, "K023", "this number does not fit 32 bits", node)
                return Const(number, Int(number, number), span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self.whole(module, operand)
                return Const(-value, Int(-value, -value), span)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Const(int(not self.constant(module, operand).value), BOOL, span)
            case ast.BinOp(
                left=left,
                op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod() as op,
                right=right,
            ):
                a, b = self.whole(module, left), self.whole(module, right)
                if b == 0 and isinstance(op, (ast.FloorDiv, ast.Mod)):
                    raise self.refuse(
                        module,
                        "K023",
                        "this divides by zero",
                        right,
                        "",
                        "divide by another number, or say that the bound is not 0: `range(1, 9)`",
                    )
                value = _ARITHMETIC[type(op)](a, b)
                if abs(value) >= 2**31:
                    raise self.refuse(module, "K023", f"{value} does not fit 32 bits", node)
                return Const(value, Int(value, value), span)
            case ast.BoolOp(op=op, values=values):
                flags = [bool(self.constant(module, v).value) for v in values]
                return Const(int(all(flags) if isinstance(op, ast.And) else any(flags)), BOOL, span)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                one, other = self.constant(module, left), self.constant(module, right)
                if type(one.type) is not type(other.type):
                    title = f"{article(one.type)} is never equal to {article(other.type)}"
                    hint = "compare what is of one type"
                    raise self.refuse(module, "K024", title, node, "", hint)
                return Const(int(_COMPARISONS[type(op)](one.value, other.value)), BOOL, span)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.constant(module, body if self.constant(module, test).value else orelse)
            case ast.Call(
                func=ast.Name(id="min" | "max" as name), args=[first, second], keywords=[]
            ):
                a, b = self.whole(module, first), self.whole(module, second)
                value = min(a, b) if name == "min" else max(a, b)
                return Const(value, Int(value, value), span)
            case ast.Name(id=name):
                symbol = module.symbols.get(name)
                if isinstance(symbol, ConstantSymbol):
                    return symbol.value
                if isinstance(symbol, Broken):
                    raise Refused
            case ast.Attribute(value=ast.Name(id=name), attr=member):
                enum = module.symbols.get(name)
                if isinstance(enum, EnumSymbol):
                    return self.enum_member(module, enum, member, node)
                if isinstance(enum, Broken):
                    raise Refused
        hint = "numbers, True and False, members of an Enum, bounds, choices and arithmetic on them"
        raise self.refuse(module, "K024", "this is not a constant", node, "", hint)

    def enum_member(self, module: Module, enum: EnumSymbol, member: str, node: ast.expr) -> Const:
        """Return a member of an enumeration as a constant."""
        if member not in enum.members:
            hint = did_you_mean(member, enum.members)
            title = f"{enum.name} has no member `{member}`"
            at = tail_span(module.source, node, member)
            raise self.reporter.report("K012", title, at, "unknown member", hint)
        kind = EnumType(enum.name, enum.members)
        return Const(enum.members.index(member), kind, span_of(module.source, node))

    def whole(self, module: Module, node: ast.expr) -> int:
        """Return the value of a constant expression that is a whole number."""
        value = self.constant(module, node)
        if not isinstance(value.type, Int):
            raise self.refuse(module, "K024", "this is no whole number", node)
        return int(value.value)  # type: ignore[arg-type]


_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Is: lambda a, b: a == b,
    ast.IsNot: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,  # type: ignore[operator]
    ast.LtE: lambda a, b: a <= b,  # type: ignore[operator]
    ast.Gt: lambda a, b: a > b,  # type: ignore[operator]
    ast.GtE: lambda a, b: a >= b,  # type: ignore[operator]
}
