"""Put statements into an RCU read section."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmcheck.editing import Change
from kmcheck.remedy import Remedy, Scene, around


class Sections:
    """The remedy on the shelf."""

    def changes(self, function: ast.FunctionDef, scene: Scene) -> Iterator[Change]:
        """Yield a change for each row of statements."""
        begin, end = "rcu_read_lock", "rcu_read_unlock"
        needs = (scene.rcu, begin), (scene.rcu, end)
        yield from around(function, scene, f"{begin}()", f"{end}()", needs)


REMEDY: Remedy = Sections()
