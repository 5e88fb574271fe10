"""Swap two stores to shared memory that stand one behind the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

from kmcheck.editing import Change, Mutator, blocks, instead, statement_call

STORES = {"WRITE_ONCE", "smp_store_release", "rcu_assign_pointer"}


class Swaps:
    """The mutator on the shelf."""

    name = "order"

    def changes(self, functions: Sequence[ast.FunctionDef]) -> Iterator[Change]:
        """Yield a change for each pair of stores of which none needs what the other one stores."""
        for body in (body for function in functions for body in blocks(function.body)):
            for one, other in pairwise(body):
                there, then = _stored(one), _stored(other)
                if there is None or then is None or _has(other, there) or _has(one, then):
                    continue
                first, second = ast.unparse(one), ast.unparse(other)
                edits = (instead(one, second), instead(other, first))
                yield Change(f"{first}, then {second}", one.lineno, edits)


def _stored(statement: ast.stmt) -> str | None:
    """Return the place in shared memory that a statement stores to, None if to none."""
    match statement:
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as place]):
            return ast.unparse(place)
        case ast.AugAssign(target=ast.Attribute() | ast.Subscript() as place):
            return ast.unparse(place)
    call = statement_call(statement)
    return call[1][0] if call is not None and call[0] in STORES else None


def _has(statement: ast.stmt, place: str) -> bool:
    """Tell whether a statement names a place."""
    return any(isinstance(n, ast.expr) and ast.unparse(n) == place for n in ast.walk(statement))


MUTATOR: Mutator = Swaps()
