"""Who asks where processes are, and which steps change the answer."""

from __future__ import annotations

from collections.abc import Iterable

from kmcheck.ir.code import END, Branch, Template, values
from kmcheck.ir.expr import Position, Running, walk
from kmcheck.ir.layout import Layout
from kmcheck.semantics.positions import call_sites, first_cuts


class Questions:
    """The positions that code and properties ask for."""

    def __init__(self, layout: Layout) -> None:
        program = layout.program
        code = [block for t in program.templates.values() for block in t.blocks]
        asking = [v for block in code for i in block.instructions for v in values(i)]
        asking += [b.terminator.condition for b in code if isinstance(b.terminator, Branch)]
        for prop in program.properties:
            asking += prop.asks
        self.asked = [
            node for e in asking for node in walk(e) if isinstance(node, Position | Running)
        ]
        self.inside = call_sites(layout)
        self.first = {name: first_cuts(layout, name) for name in layout.processes}

    def notice(self, template: Template, cut: int, ends: Iterable[int]) -> bool:
        """Tell whether any answer may change with a step from a cut to one of its ends."""
        if template.name not in self.first:
            return False  # actions have no positions
        places = {0 if end == END else end + 1 for end in ends} | {cut + 1}
        return any(
            len({self._answer(template.name, node, place) for place in places}) > 1
            for node in self.asked
        )

    def _answer(self, name: str, question: Position | Running, position: int) -> bool:
        match question:
            case Position(what="inside", function=function):
                return position in self.inside[name].get(function, ())
            case Position(what="begun"):
                return position - 1 not in self.first[name]
        return position == 0
