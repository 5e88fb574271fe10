"""Wait before something is freed: for readers, for callbacks, for work that was queued."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmcheck.editing import Change, blocks
from kmcheck.remedy import Remedy, Scene, arguments, before

WORK = "kmcheck.kernel.workqueue"


class Waits:
    """The remedy on the shelf."""

    def changes(self, function: ast.FunctionDef, scene: Scene) -> Iterator[Change]:
        """Yield the waits that there are for each statement that freed something."""
        works = list(arguments(scene, ("schedule_work", "queue_work"), function))
        waits = [(scene.rcu, "synchronize_rcu", "")]
        if "call_rcu" in scene.source.text or "kfree_rcu" in scene.source.text:
            waits.append((scene.rcu, "rcu_barrier", ""))
        waits += [
            (WORK, word, work) for work in works for word in ("flush_work", "cancel_work_sync")
        ]
        rows = (row for body in blocks(function.body) for row in body)
        for statement in rows:
            if scene.freed(statement) and isinstance(statement, ast.Expr | ast.Assign):
                for module, word, argument in waits:
                    call = f"{word}({argument})"
                    what = f"{call} before {ast.unparse(statement)}"
                    needs = ((module, word),)
                    yield Change(what, statement.lineno, (before(statement, call),), needs)


REMEDY: Remedy = Waits()
