"""How large an expression is, and how deep, with all that its names stand for written out."""

from __future__ import annotations

from kmcheck.ir.expr import Expr, children

DEEPEST = 150
"""Levels of an expression, its names written out."""


class Sizes:
    """Remembers the sizes of expressions, so that one that doubles and doubles is seen at once."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[Expr, int, int]] = {}

    def of(self, expr: Expr) -> tuple[int, int]:
        """Return how many parts an expression has, and how many levels."""
        ahead = [expr]
        while ahead:
            node = ahead[-1]
            unknown = [part for part in children(node) if id(part) not in self.known]
            if unknown and id(node) not in self.known:
                ahead.extend(unknown)
                continue
            ahead.pop()
            if id(node) not in self.known:
                inside = [self.known[id(part)] for part in children(node)]
                parts = 1 + sum(size for _, size, _ in inside)
                self.known[id(node)] = (node, parts, 1 + max((d for _, _, d in inside), default=0))
        _, parts, levels = self.known[id(expr)]
        return parts, levels
