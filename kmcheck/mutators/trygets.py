"""Take a reference without asking whether it can be had: a tryget becomes a get."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from kmcheck.editing import Change, Mutator, call_of
from kmcheck.hoisting import calls, hoisted

GETS = {
    "tryget_online": "get",
    "tryget_live": "get",
    "tryget": "get",
    "try_get": "get",
    "inc_not_zero": "inc",
}


class Trygets:
    """The mutator on the shelf."""

    name = "tryget"

    def changes(self, functions: Sequence[ast.FunctionDef]) -> Iterator[Change]:
        """Yield a change for each call that asks, wherever it stands."""
        for found in (found for function in functions for found in calls(function)):
            call = call_of(found.call)
            get = None if call is None else _get(call[0])
            if call is not None and get is not None:
                taken = f"{get}({', '.join(call[1])})", "True"
                edits = hoisted(found, lambda _, taken=taken: taken)  # type: ignore[misc]
                what = ast.unparse(found.call)
                yield Change(what, found.call.lineno, edits, ((call[0], get),))


def _get(name: str) -> str | None:
    return next((name.replace(t, g) for t, g in GETS.items() if t in name), None)


MUTATOR: Mutator = Trygets()
