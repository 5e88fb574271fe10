"""Take away a wait: a grace period, a barrier, a flush, the spec's own `wait_until`.

What a callback does is done at once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from kmcheck.editing import Change, Mutator, blocks, instead, marks_of, statement_call, without

WAITS = (
    *("synchronize_", "rcu_barrier", "flush_", "drain_", "cancel_", "kthread_stop"),
    *("wait_for_", "wait_event", "css_wait_for_", "smp_mb"),
)
OWN = "wait_until"
"""Of an action it says when that can be: nobody waits there."""
SLAB = "kmcheck.kernel.slab"
LATER = {"call_rcu", "call_srcu", "call_rcu_hurry"}


class Waits:
    """The mutator on the shelf."""

    name = "wait"

    def changes(self, functions: Sequence[ast.FunctionDef]) -> Iterator[Change]:
        """Yield a change for each call that waits, or has something wait."""
        for function in functions:
            yield from _in(function)


def _in(function: ast.FunctionDef) -> Iterator[Change]:
    waits = WAITS if "action" in marks_of(function) else (*WAITS, OWN)
    for body in blocks(function.body):
        for statement in body:
            call = statement_call(statement)
            if call is None:
                continue
            what = ast.unparse(statement)
            if call[0].startswith(waits):
                yield Change(what, statement.lineno, (without(statement),))
            elif call[0] in LATER:
                head, callback = call[1][-2:]
                edit = instead(statement, f"{callback}({head})")
                yield Change(what, statement.lineno, (edit,))
            elif call[0] == "kfree_rcu":
                edit = instead(statement, f"kfree({call[1][0]})")
                yield Change(what, statement.lineno, (edit,), ((SLAB, "kfree"),))


MUTATOR: Mutator = Waits()
