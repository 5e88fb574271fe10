"""The graph for Graphviz and for what reads its files, of any size."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.stategraph import Form, Quotient
from kmcheck.stategraph.dot import document


@dataclass(frozen=True, slots=True)
class Dot:
    """Text; needs no other program."""

    name: str = "dot"
    is_drawn: bool = False

    def write(self, graph: Quotient) -> tuple[tuple[str, bytes], ...]:
        """Write the graph down."""
        return ((".dot", document(graph).encode()),)


FORM: Form = Dot()
