"""Nondeterminism: a step is run again for each way in which its choices can be decided."""

from __future__ import annotations

from kmcheck.semantics.faults import Blocked


class Oracle:
    """Decides each choice of a step: replays a list, then takes the first option."""

    def __init__(self) -> None:
        self.plan: tuple[int, ...] = ()
        self.taken: list[int] = []
        self.widths: list[int] = []

    def reset(self, plan: tuple[int, ...]) -> None:
        """Begin a step whose first choices are given."""
        self.plan = plan
        self.taken = []
        self.widths = []

    def pick(self, width: int) -> int:
        """Decide among `width` options; a single one is no choice."""
        if width == 1:
            return 0
        at = len(self.taken)
        taken = self.plan[at] if at < len(self.plan) else 0
        if taken >= width:
            raise Blocked
        self.taken.append(taken)
        self.widths.append(width)
        return taken

    def following(self) -> tuple[int, ...] | None:
        """Return the next plan in lexical order, None after the last."""
        for at in reversed(range(len(self.taken))):
            if self.taken[at] + 1 < self.widths[at]:
                return (*self.taken[:at], self.taken[at] + 1)
        return None
