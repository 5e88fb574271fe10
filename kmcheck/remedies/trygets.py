"""Ask whether a reference can be had, and return if it cannot."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmcheck.editing import Change, blocks, instead, statement_call
from kmcheck.remedy import Remedy, Scene

TRYGETS = {"_get": ("_tryget", "_tryget_online", "_tryget_live"), "_inc": ("_inc_not_zero",)}
FAILED = {"None": "return", "bool": "return False", "int": "return 0"}


class Trygets:
    """The remedy on the shelf."""

    def changes(self, function: ast.FunctionDef, scene: Scene) -> Iterator[Change]:
        """Yield a change for each call that takes a reference, and each way to ask for it."""
        returns = "None" if function.returns is None else ast.unparse(function.returns)
        failed = "return None" if returns.endswith("| None") else FAILED.get(returns)
        rows = (row for body in blocks(function.body) for row in body)
        for statement in rows:
            call = statement_call(statement)
            if failed is None or call is None or not scene.inside(statement, statement):
                continue
            name, given = call
            for asks in _asking(name):
                asked = f"{asks}({', '.join(given)})"
                indent = " " * (statement.col_offset + 4)
                edit = instead(statement, f"if not {asked}:\n{indent}{failed}")
                what = f"{asked} in place of {name}()"
                yield Change(what, statement.lineno, (edit,), ((name, asks),))


def _asking(name: str) -> Iterator[str]:
    for end, asks in TRYGETS.items():
        if name.endswith(end):
            yield from (name.removesuffix(end) + ask for ask in asks)


REMEDY: Remedy = Trygets()
