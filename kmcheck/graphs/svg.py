"""The graph as a picture, drawn by `dot`; where that is missing, what it would have read."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass

from kmcheck.stategraph import Form, Quotient
from kmcheck.stategraph.dot import document

COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
"""Has the version of `dot`."""


@dataclass(frozen=True, slots=True)
class Svg:
    """A picture has few nodes, so that somebody can look at it."""

    name: str = "svg"
    is_drawn: bool = True

    def write(self, graph: Quotient) -> tuple[tuple[str, bytes], ...]:
        """Draw the graph, or write it for `dot`."""
        import graphviz  # noqa: PLC0415 - only where something is drawn

        source = document(graph)
        if shutil.which("dot") is None:
            return ((".dot", source.encode()),)
        drawn = graphviz.pipe_string("dot", "svg", source, encoding="utf-8", quiet=True)
        return ((".svg", COMMENT.sub("", drawn).encode()),)


FORM: Form = Svg()
