"""What a file on the shelf of graph formats owes, and what all of them say of a graph."""

from __future__ import annotations

from typing import Protocol

from kmcheck.stategraph.quotient import Quotient

MOST = 200
"""Nodes of a picture: nobody looks at more."""


class Form(Protocol):
    """One way to write a graph down. The same graph gives the same bytes.

    `name` is what `--as` takes, which is also the file's name.
    """

    @property
    def name(self) -> str:
        """The form's name."""

    @property
    def is_drawn(self) -> bool:
        """Whether it is a picture, so that it may have no more than `MOST` nodes."""

    def write(self, graph: Quotient) -> tuple[tuple[str, bytes], ...]:
        """Return files, each with the end of its name.

        Raises:
            UsageError: a library is not installed.
        """


def summary(graph: Quotient) -> tuple[str, ...]:
    """Return what a graph is of, and what was merged, in lines."""
    size = f"{graph.states:,} states, {graph.transitions:,} steps, depth {graph.depth}"
    nodes = f"{sum(1 for knot in graph.knots if knot.states):,} nodes"
    merged = "each state is a node" if graph.is_whole else f"merged by {graph.by}: {nodes}"
    lines = [graph.title, f"{size}; {merged}"]
    if graph.stopped:
        lines.append(f"NOT ALL STATES: {graph.stopped}")
    if graph.violation:
        lines.append(f"the numbered way is a run to {graph.violation}")
    return tuple(lines)
