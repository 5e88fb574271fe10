"""Quantifiers: all, any, count, total, sum over a group's members."""

from __future__ import annotations

import ast
from typing import Literal

from kmcheck.frontend.conversions import as_form
from kmcheck.frontend.logic import Logic
from kmcheck.frontend.scope import Alias
from kmcheck.frontend.symbols import (
    EnumSymbol,
)
from kmcheck.ir.expr import (
    Bound,
    Const,
    Expr,
    Quantifier,
)
from kmcheck.ir.types import (
    BOOL,
    VOID,
    ArrayOf,
    Bool,
    Int,
    ListOf,
    SetOf,
    Type,
    article,
)

_DEEPEST = 4


class Quantifiers(Logic):
    """Lowers quantifiers."""

    def _quantifier(self, what: str, generator: ast.GeneratorExp, node: ast.expr) -> Expr:
        first, *others = generator.generators
        names = dict(self.frame.names)
        self.quantifiers += 1 + len(others)
        try:
            if self.quantifiers > _DEEPEST:
                title = f"quantifiers are nested more than {_DEEPEST} deep"
                raise self.refuse("K060", title, node, "", "name a part of it in a function")
            return self._level(what, generator, [first, *others], node)
        finally:
            self.quantifiers -= 1 + len(others)
            self.frame.names = names

    def _level(
        self,
        what: str,
        generator: ast.GeneratorExp,
        levels: list[ast.comprehension],
        node: ast.expr,
    ) -> Expr:
        span = self.span(node)
        level, *inner = levels
        if not isinstance(level.target, ast.Name):
            raise self.refuse("K060", "a quantifier has one variable", level.target)
        domain = self.domain(level.iter)
        element = domain.type.element if isinstance(domain.type, (SetOf, ListOf, ArrayOf)) else VOID
        cell = self.world.cell()
        self.frame.names[level.target.id] = Alias(Bound(cell, element, self.span(level.target)))
        where = self.connect(ast.And(), [self.condition(c) for c in level.ifs], span)
        if inner:
            body = self._level(what, generator, inner, node)
            outer: str = {"sum": "total", "count": "total"}.get(what, what)
        else:
            body = self._body(what, generator.elt)
            outer = "total" if what == "sum" else what
        kind: Type = BOOL if what in ("all", "any") else body.type
        if what == "count":
            kind = Int(0, 4096)
        elif isinstance(kind, Int):
            kind = Int(min(0, kind.lo * 64), max(0, kind.hi * 64))
        picked: Literal["all", "any", "count", "total"] = outer  # type: ignore[assignment]
        return Quantifier(picked, cell, domain, where, body, kind, span)

    def _body(self, what: str, node: ast.expr) -> Expr:
        match what:
            case "all" | "any":
                return self.condition(node)
            case "count":
                return self.pure(node)
        value = self.pure(node)
        if isinstance(value.type, Bool):
            raise self.refuse(
                "K040", f"`{what}` adds numbers: to count, write `count(x for ... if ...)`", node
            )
        if isinstance(value.type, Int):
            return value
        form = as_form(value)
        if form is None:
            raise self.refuse(
                "K040", f"`{what}` adds numbers or sizes, not {article(value.type)}", node
            )
        return form

    def domain(self, node: ast.expr) -> Expr:
        """Return the values that a quantifier ranges over."""
        if isinstance(node, ast.Call) and self.word(node.func) == "range":
            ends = [self.world.loader.constant(self.frame.module, a).value for a in node.args]
            lo, hi = (0, ends[0]) if len(ends) == 1 else (ends[0], ends[-1])
            if len(ends) > 2 or not isinstance(lo, int) or not isinstance(hi, int) or hi - lo > 64:  # noqa: PLR2004
                hint = "write `range(n)` or `range(a, b)`, with at most 64 numbers"
                raise self.refuse("K060", "a quantifier's range is small", node, "", hint)
            return Const(
                (1 << max(0, hi - lo)) - 1, SetOf(Int(lo, max(lo, hi - 1))), self.span(node)
            )
        symbol = self.symbol(node)
        if isinstance(symbol, EnumSymbol):
            from_enum = self.world.loader.enum_member(
                self.frame.module, symbol, symbol.members[0], node
            )
            return Const((1 << len(symbol.members)) - 1, SetOf(from_enum.type), self.span(node))
        value = self.pure(node)
        if not isinstance(value.type, (SetOf, ListOf, ArrayOf)):
            hint = "write `alive(Type)`, or a field that is a set, a list or an array"
            raise self.refuse(
                "K060", f"{article(value.type)} cannot be looped over", node, "", hint
            )
        return value
