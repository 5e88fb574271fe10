"""Take a reference without asking whether it can be had: a tryget becomes a get."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmcheck.editing import Change, Edit, Mutator, blocks, call_of, instead

GETS = {"tryget_online": "get", "tryget_live": "get", "tryget": "get", "inc_not_zero": "inc"}


class Trygets:
    """The mutator on the shelf."""

    name = "tryget"

    def changes(self, function: ast.FunctionDef) -> Iterator[Change]:
        """Yield a change for each call that asks in a condition, or keeps the answer."""
        for body in blocks(function.body):
            for statement in body:
                for node in _asked(statement):
                    call = call_of(node)
                    get = None if call is None else _get(call[0])
                    if call is not None and get is not None:
                        line, column = statement.lineno, statement.col_offset
                        taken = f"{get}({', '.join(call[1])})\n{' ' * column}"
                        edits = (Edit((line, column), (line, column), taken), instead(node, "True"))
                        yield Change(ast.unparse(node), node.lineno, edits, ((call[0], get),))


def _asked(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield what a statement evaluates once, before all else that it does."""
    match statement:
        case ast.If(test=asked) | ast.Assign(value=asked) | ast.Expr(value=asked):
            yield from (n for n in ast.walk(asked) if isinstance(n, ast.Call))
        case ast.Return(value=ast.expr() as asked):
            yield from (n for n in ast.walk(asked) if isinstance(n, ast.Call))


def _get(name: str) -> str | None:
    return next((name.replace(t, g) for t, g in GETS.items() if t in name), None)


MUTATOR: Mutator = Trygets()
