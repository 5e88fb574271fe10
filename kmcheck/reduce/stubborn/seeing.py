"""Which steps may not be put before others: those that somebody may see, and the sticky ones."""

from __future__ import annotations

from kmcheck.ir.code import Template
from kmcheck.ir.program import Property
from kmcheck.ir.stubborn import Footprint, clash
from kmcheck.protocols import Question
from kmcheck.reduce.stubborn.cycles import starting_each_other, starts, sticky
from kmcheck.reduce.stubborn.footprints import Footprints
from kmcheck.semantics.positions import first_cuts
from kmcheck.system import TransitionSystem


class Seeing:
    """What the properties of a system see."""

    def __init__(self, system: TransitionSystem, question: Question, prints: Footprints) -> None:
        self.layout = system.layout
        self.prints = prints
        self.properties = system.program.properties
        wanted = question.wanted
        self.leaks = (wanted is None or "leak" in wanted) and any(
            kind.allocated_by_processes for kind in system.program.kinds.values()
        )
        self.cyclic = starting_each_other(system.program)
        self.always = self._read("always")
        self.at_end = self._read("finally")

    def _read(self, when: str) -> Footprint:
        return self.prints.of_expressions(expr for prop in self._judged(when) for expr in prop.asks)

    def _judged(self, when: str) -> list[Property]:
        return [prop for prop in self.properties if prop.when == when]

    def whole(self, template: Template, nexts: dict[int, Footprint]) -> set[int]:
        """Return the cuts from which a step goes with all others, or not before any."""
        if template.role == "action":
            return set(nexts)  # it comes back to where it was with each step
        found = {cut for cut, step in nexts.items() if self._is_seen(template, cut, step)}
        return found | sticky(template, found)

    def _is_seen(self, template: Template, cut: int, step: Footprint) -> bool:
        started = starts(template, cut)
        if started & self.cyclic[template.name]:
            return True
        if self._judged("rest") and cut in first_cuts(self.layout, template.name):
            return True
        return bool(clash(step, self.always)) or (
            template.role == "daemon" and self._is_seen_at_end(started, step)
        )

    def _is_seen_at_end(self, started: set[str], step: Footprint) -> bool:
        """Tell whether a step that may be made when all has ended changes what is judged then."""
        judged = bool(self._judged("finally"))
        return self.leaks or (judged and (bool(started) or bool(clash(step, self.at_end))))
