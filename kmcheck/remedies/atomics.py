"""Make one update of a load and a store."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmcheck.editing import Change, blocks, instead
from kmcheck.remedy import Remedy, Scene


class Atomics:
    """The remedy on the shelf."""

    def changes(self, function: ast.FunctionDef, scene: Scene) -> Iterator[Change]:
        """Yield a change for each `+=` and `-=` to shared memory."""
        rows = (row for body in blocks(function.body) for row in body)
        for statement in rows:
            match statement:
                case ast.AugAssign(ast.Attribute() | ast.Subscript() as place, op, value):
                    amount = _amount(op, value)
                    if amount is not None and scene.inside(statement, statement):
                        added = f"fetch_add({ast.unparse(place)}, {amount})"
                        what = f"{added} in place of {ast.unparse(statement)}"
                        edits = (instead(statement, added),)
                        yield Change(
                            what, statement.lineno, edits, (("kmcheck.lang", "fetch_add"),)
                        )


def _amount(op: ast.operator, value: ast.expr) -> str | None:
    """Return what is added, None if the operator does something else."""
    match op:
        case ast.Add():
            return ast.unparse(value)
        case ast.Sub():
            return ast.unparse(ast.UnaryOp(ast.USub(), value))
    return None


REMEDY: Remedy = Atomics()
