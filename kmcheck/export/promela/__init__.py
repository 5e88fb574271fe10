"""Promela: the same states for SPIN, said without a line of kmcheck's own semantics.

What may be relied on: SPIN stores one state for each of kmcheck's, and one more, in which
nothing has been set up yet. Each global array of the model is a slot group of the layout, in its
order; the rest of the state is zero whenever SPIN looks at it.

One process runs everything. Its turn is one atomic sequence: it picks an actor (a process, an
action, or the judge) and a plan for the step's choices, and then each template has one `d_step`,
in which its actors' steps run from label to label. A step that is blocked or fails is undone
there: SPIN's own atomic sequences cannot be. The judge asks of a state whether any step is
enabled, and whether what must be true of it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.export.promela.document import document
from kmcheck.export.promela.model import OVERFLOW, Model, export
from kmcheck.protocols import Exporter
from kmcheck.system import TransitionSystem

__all__ = ["EXPORTER", "OVERFLOW", "Model", "export"]


@dataclass(frozen=True, slots=True)
class Promela:
    """The language of SPIN."""

    name: str = "promela"

    def write(self, system: TransitionSystem, turns: int) -> str:
        """Say a system in Promela, below a comment that says how to use it.

        Raises:
            UsageError: Promela cannot say it.
        """
        return document(system, export(system, turns))


EXPORTER: Exporter = Promela()
