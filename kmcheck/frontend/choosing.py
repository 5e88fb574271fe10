"""Nondeterminism: any of several values, or of a set's members."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.steps import Steps
from kmcheck.ir.code import Choose
from kmcheck.ir.expr import Alive, Cond, Const, Expr, Op, Var
from kmcheck.ir.types import BOOL, Int, Ref, SetOf

MOST_OPTIONS = 64


class Choosing(Steps):
    """Lowers `choose`."""

    def choose(self, node: ast.Call) -> Expr:
        """Return any of the options that a `choose` names."""
        span = self.span(node)
        if not node.args:
            raise self.refuse(
                "K055", "choose among what?", node, "", "write `choose(a, b)` or `choose(Type)`"
            )
        if len(node.args) == 1:
            return self._choose_member(node.args[0], span)
        if len(node.args) > MOST_OPTIONS:
            title = f"this chooses among more than {MOST_OPTIONS}"
            raise self.refuse("K055", title, node, "", "choose from a set")
        options = [self.held(a) for a in node.args]
        kind = options[0].type
        for option, argument in zip(options, node.args, strict=True):
            kind = self.join(
                Const(0, kind, span), self.fit(option, kind, argument, "this option"), argument
            )
        picked = self.builder.temporary(Int(0, len(options) - 1))
        everything = Const((1 << len(options)) - 1, SetOf(Int(0, len(options) - 1)), span)
        self.builder.emit(Choose(picked, everything, span))
        which = Var(picked, Int(0, len(options) - 1), span)
        if [o.value for o in options if isinstance(o, Const)] == list(
            range(len(options))
        ) and kind == BOOL:
            return Op("ne", (which, Const(0, which.type, span)), BOOL, span)
        value = self.fit(options[-1], kind, node.args[-1], "this option")
        for number in reversed(range(len(options) - 1)):
            test = Op("eq", (which, Const(number, which.type, span)), BOOL, span)
            value = Cond(
                test, self.fit(options[number], kind, node.args[number], "this"), value, kind, span
            )
        return value

    def _choose_member(self, node: ast.expr, span: Span) -> Expr:
        if self.symbol(node) is not None:
            name = self.kind(node)
            options: Expr = Alive(name, SetOf(Ref(name)), span)
            self.builder.cut(span)
        else:
            options = self.value(node)
        if not isinstance(options.type, SetOf):
            raise self.refuse(
                "K055", "one option is no choice", node, "", "write `choose(a, b)`, or name a set"
            )
        picked = self.builder.temporary(options.type.element)
        self.builder.emit(Choose(picked, options, span))
        return Var(picked, options.type.element, span)
