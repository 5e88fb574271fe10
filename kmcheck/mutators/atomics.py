"""Split what is atomic: an atomic block into its statements, an atomic word into load and store."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from kmcheck.editing import Change, Edit, Mutator, blocks, call_of, instead, statement_call

WORDS = {"fetch_add": "+", "add_return": "+"}


class Atomics:
    """The mutator on the shelf."""

    name = "atomic"

    def changes(self, functions: Sequence[ast.FunctionDef]) -> Iterator[Change]:
        """Yield a change for each block, as a statement may be several steps, and each word."""
        for body in (body for function in functions for body in blocks(function.body)):
            for statement in body:
                if isinstance(statement, ast.With):
                    call = call_of(statement.items[0].context_expr)
                    if call is not None and call[0] == "atomic" and len(statement.items) == 1:
                        what = f"with {ast.unparse(statement.items[0].context_expr)}"
                        yield Change(what, statement.lineno, (_opened(statement),))
                elif isinstance(statement, ast.Expr):
                    call = statement_call(statement)
                    if call is not None and call[0] in WORDS:
                        place, more = call[1][:2]
                        edit = instead(statement, f"{place} = {place} {WORDS[call[0]]} ({more})")
                        yield Change(ast.unparse(statement), statement.lineno, (edit,))


def _opened(statement: ast.With) -> Edit:
    """Return the edit that leaves the statements, each in a step of its own."""
    last = statement.items[0].context_expr
    assert last.end_lineno is not None
    assert last.end_col_offset is not None
    start, end = (statement.lineno, statement.col_offset), (last.end_lineno, last.end_col_offset)
    return Edit(start, end, "if True")


MUTATOR: Mutator = Atomics()
