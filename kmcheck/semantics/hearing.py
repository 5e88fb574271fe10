"""The meaning of expressions, for a watcher: it hears what calls return."""

from __future__ import annotations

from typing import Any

from kmcheck.ir.expr import Expr
from kmcheck.ir.layout import Layout
from kmcheck.semantics.addresses import Meaning
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.semantics.watch import Watcher


class Hearing(Evaluator):
    """Tells the watcher the value of each expression that is what a call returns."""

    def __init__(self, layout: Layout, template: str, watcher: Watcher) -> None:
        super().__init__(layout, template, watcher)
        self.name, self.watcher = template, watcher
        self.calls: dict[int, list[int]] = {}
        """The serials of calls, by the very expression: another one may look the same."""
        for expr, serial in layout.program.templates[template].results:
            self.calls.setdefault(id(expr), []).append(serial)

    def of(self, expr: Expr) -> Meaning:
        """Return the meaning of an expression."""
        meaning = super().of(expr)
        serials = self.calls.get(id(expr))
        if serials is None:
            return meaning

        def heard(s: list[Any], p: int) -> Any:
            value = meaning(s, p)
            for serial in serials:
                self.watcher.returned(self.name, p, serial, expr.type, value)
            return value

        return heard
