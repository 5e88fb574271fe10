"""Expressions that are evaluated in one go: in properties, guards and atomic blocks."""

from __future__ import annotations

import ast

from kmcheck.frontend.functions import Functions
from kmcheck.frontend.loads import count_loads
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Place
from kmcheck.frontend.symbols import (
    EnumSymbol,
    FunctionSymbol,
    KindSymbol,
)
from kmcheck.ir.expr import (
    Const,
    Expr,
    Op,
)
from kmcheck.ir.types import (
    INT16,
    VOID,
    ArrayOf,
    Int,
    article,
)


class Pure(Functions):
    """Lowers expressions that change nothing."""

    def pure(self, node: ast.expr) -> Expr:
        """Return the expression that a node means, evaluated in one go."""
        self.world.spend(1)
        span = self.span(node)
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant(value=None):
                return Const(0, VOID, span)
            case ast.Constant(value=bool() | int()):
                return self.world.loader.constant(self.frame.module, node)
            case ast.Attribute(value=base, attr=name):
                return self._attribute(node, base, name)
            case ast.Subscript(value=base, slice=index):
                return self._subscript(node, base, index)
            case ast.BoolOp(op=op, values=values):
                return self.connect(op, self._conditions(values), span)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.negate(self.condition(operand), span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.arithmetic(
                    ast.Sub(), Const(0, Int(0, 0), span), self.pure(operand), node
                )
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(op, self.pure(left), self.pure(right), node)
            case ast.Compare(left=left, ops=ops, comparators=rest):
                self.refuse_display(node)
                operands = [self.pure(v) for v in (left, *rest)]
                return self.comparison(ops, operands, node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.either(self.condition(test), self.pure(body), self.pure(orelse), node)
            case ast.Call():
                return self._call(node)
        raise self.unknown(node)

    def _conditions(self, nodes: list[ast.expr]) -> list[Expr]:
        """Return whether each value is true; what is wrong with any of them is reported."""
        found = []
        for node in nodes:
            with self.world.reporter.going_on():
                found.append(self.condition(node))
        if len(found) < len(nodes):
            raise Refused
        return found

    def _attribute(self, node: ast.expr, base: ast.expr, name: str) -> Expr:
        symbol = self.symbol(base)
        if isinstance(symbol, EnumSymbol):
            return self.world.loader.enum_member(self.frame.module, symbol, name, node)
        place = self.place(node, self.pure(base), name)
        return self.load_of(place, self.span(node)) if isinstance(place, Place) else place

    def _subscript(self, node: ast.expr, base: ast.expr, index: ast.expr) -> Expr:
        if isinstance(base, ast.Attribute):
            whole = self.place(base, self.pure(base.value), base.attr)
            if isinstance(whole, Place):
                return self.load_of(self.element(whole, self.pure(index), node), self.span(node))
        value = self.pure(base)
        if not isinstance(value.type, ArrayOf):
            raise self.refuse(
                "K045", f"only an array has elements: this is {article(value.type)}", node
            )
        at = self.fit(self.pure(index), INT16, index, "an index")
        return Op("array_get", (value, at), value.type.element, self.span(node))

    def _call(self, node: ast.Call) -> Expr:
        word = self.word(node.func)
        if word:
            return self._word(word, node)
        if isinstance(node.func, ast.Attribute):
            found = self._method(node, node.func)
            if found is not None:
                return found
        function = self.symbol(node.func)
        if isinstance(function, FunctionSymbol):
            return self.apply(function, node, None)
        if isinstance(function, KindSymbol):
            raise self.refuse(
                "K050", "an object cannot be allocated here: this is evaluated in one go", node
            )
        if isinstance(node.func, ast.Name):
            self._name(node.func)
        raise self.refuse("K050", "this cannot be called here", node)

    def shared_loads(self, value: Expr) -> int:
        """Return how many accesses to shared memory the value takes: two stands for any more."""
        return count_loads(value, self.world)
