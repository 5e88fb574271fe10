"""Operators, conditions and conditional values, with what is constant folded."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.conversions import Mismatch, convert, truth
from kmcheck.frontend.fields import Fields
from kmcheck.frontend.operators import binary, compare
from kmcheck.frontend.report import Refused
from kmcheck.frontend.vocabulary import (
    INSTEAD,
    UNKNOWN,
)
from kmcheck.ir.expr import (
    And,
    Cond,
    Const,
    Expr,
    Op,
    Or,
)
from kmcheck.ir.types import (
    BOOL,
    Int,
    Type,
    article,
)


class Logic(Fields):
    """Lowers operators."""

    def unknown(self, node: ast.expr) -> Refused:
        """Say that a piece of Python is not in the language."""
        sort = type(node.value if isinstance(node, ast.Constant) else node).__name__
        name = UNKNOWN.get(sort, sort.lower())
        title = f"{name} is not in the spec language"
        return self.refuse("K046", title, node, "", INSTEAD.get(sort, ""))

    def refuse_display(self, node: ast.Compare) -> None:
        """Refuse `x in (a, b)`, which Python has and the language has not."""
        for op, among in zip(node.ops, node.comparators, strict=True):
            display = isinstance(among, (ast.Tuple, ast.List, ast.Set))
            if isinstance(op, (ast.In, ast.NotIn)) and display:
                word = "and" if isinstance(op, ast.NotIn) else "or"
                sign = "!=" if isinstance(op, ast.NotIn) else "=="
                hint = f"write `x {sign} a {word} x {sign} b`"
                title = f"{UNKNOWN[type(among).__name__]} is not in the spec language"
                raise self.refuse("K046", title, among, "", hint)

    def condition(self, node: ast.expr) -> Expr:
        """Return whether a node's value is true."""
        return self.as_condition(self.pure(node), node)

    def as_condition(self, value: Expr, node: ast.AST) -> Expr:
        """Return whether a value is true."""
        try:
            return truth(value)
        except Mismatch as mismatch:
            raise self.refuse("K047", str(mismatch), node, "", mismatch.hint) from None

    def connect(self, op: ast.boolop, parts: list[Expr], span: Span) -> Expr:
        """Return `and` or `or` of conditions, constants folded."""
        stop = 0 if isinstance(op, ast.And) else 1
        left: list[Expr] = []
        for part in parts:
            if isinstance(part, Const) and part.value != stop:
                continue
            left.append(part)
            if isinstance(part, Const):
                break
        if not left:
            return Const(1 - stop, BOOL, span)
        if len(left) == 1 or isinstance(left[0], Const):
            return left[0]
        return (And if stop == 0 else Or)(tuple(left), BOOL, span)

    def negate(self, value: Expr, span: Span) -> Expr:
        """Return `not value`."""
        return (
            Const(int(not value.value), BOOL, span)
            if isinstance(value, Const)
            else Op("not", (value,), BOOL, span)
        )

    def arithmetic(self, op: ast.operator, left: Expr, right: Expr, node: ast.AST) -> Expr:
        """Return `left op right`."""
        try:
            return binary(op, left, right, self.span(node))
        except Mismatch as mismatch:
            raise self.refuse("K048", str(mismatch), node, "", mismatch.hint) from None

    def comparison(self, ops: list[ast.cmpop], values: list[Expr], node: ast.expr) -> Expr:
        """Return `a < b < c`, each pair compared."""
        span = self.span(node)
        try:
            parts = [compare(op, values[i], values[i + 1], span) for i, op in enumerate(ops)]
        except Mismatch as mismatch:
            raise self.refuse("K049", str(mismatch), node, "", mismatch.hint) from None
        return self.connect(ast.And(), parts, span)

    def either(self, test: Expr, then: Expr, other: Expr, node: ast.expr) -> Expr:
        """Return `then if test else other`."""
        kind = self.join(then, other, node)
        then, other = self.fit(then, kind, node, "this"), self.fit(other, kind, node, "this")
        if isinstance(test, Const):
            return then if test.value else other
        return Cond(test, then, other, kind, self.span(node))

    def join(self, a: Expr, b: Expr, node: ast.AST) -> Type:
        """Return the type that both values have."""
        if isinstance(a.type, Int) and isinstance(b.type, Int):
            return Int(min(a.type.lo, b.type.lo), max(a.type.hi, b.type.hi))
        for kind, other in ((a.type, b), (b.type, a)):
            if convert(other, kind) is not None:
                return kind
        title = f"these are {article(a.type)} and {article(b.type)}: both are to be of one type"
        raise self.refuse("K040", title, node, "", "return or choose values of one type")
