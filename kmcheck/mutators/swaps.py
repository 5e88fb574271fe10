"""Swap two stores to shared memory that stand one behind the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from kmcheck.editing import Change, Mutator, blocks, instead, statement_call

STORES = {"WRITE_ONCE", "smp_store_release", "rcu_assign_pointer"}


class Swaps:
    """The mutator on the shelf."""

    name = "order"

    def changes(self, function: ast.FunctionDef) -> Iterator[Change]:
        """Yield a change for each pair of stores."""
        for body in blocks(function.body):
            for one, other in pairwise(body):
                if _stores(one) and _stores(other):
                    first, second = ast.unparse(one), ast.unparse(other)
                    edits = (instead(one, second), instead(other, first))
                    yield Change(f"{first}, then {second}", one.lineno, edits)


def _stores(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return isinstance(statement.targets[0], ast.Attribute | ast.Subscript)
    call = statement_call(statement)
    return call is not None and call[0] in STORES


MUTATOR: Mutator = Swaps()
