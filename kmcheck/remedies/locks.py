"""Hold a lock: one that the spec has, or a new mutex."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from kmcheck.editing import Change, Edit
from kmcheck.remedy import Remedy, Scene, arguments, around

ENDS = {
    "spin_lock": "spin_unlock",
    "spin_lock_bh": "spin_unlock_bh",
    "spin_lock_irq": "spin_unlock_irq",
    "mutex_lock": "mutex_unlock",
    "read_lock": "read_unlock",
    "write_lock": "write_unlock",
    "down_read": "up_read",
    "down_write": "up_write",
    "xa_lock": "xa_unlock",
}
NEW = "new_mutex"
MUTEX = "kmcheck.kernel.mutex"


class Locks:
    """The remedy on the shelf."""

    def changes(self, function: ast.FunctionDef, scene: Scene) -> Iterator[Change]:
        """Yield a change for each lock that the function can name, and each row of statements."""
        for begin, end in ENDS.items():
            for lock in arguments(scene, (begin,), function):
                needs = (begin, end), (end, begin)
                yield from around(function, scene, f"{begin}({lock})", f"{end}({lock})", needs)
        begin, end = f"mutex_lock({NEW})", f"mutex_unlock({NEW})"
        made = (MUTEX, "Mutex"), (MUTEX, "mutex_lock"), (MUTEX, "mutex_unlock")
        for change in around(function, replace(scene, whole=True), begin, end, made):
            yield replace(change, edits=(*change.edits, _declared(scene)))


def _declared(scene: Scene) -> Edit:
    """Return the edit that puts the new mutex before all functions and classes."""
    body = ast.parse(scene.source.text).body
    last = [node for node in body if isinstance(node, ast.ImportFrom)][-1]
    at = last.end_lineno or 0, last.end_col_offset or 0
    return Edit(at, at, f"\n\n{NEW} = Mutex()")


REMEDY: Remedy = Locks()
