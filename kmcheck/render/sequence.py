"""The space-time diagram: processes and objects side by side, time down."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.diagram import draw, svg
from kmcheck.explain import explain
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Trace


@dataclass(frozen=True, slots=True)
class Sequence:
    """One row for each row of the table, one bar for each object that it is about."""

    name: str = "sequence"
    suffix: str = ".svg"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Draw the run."""
        return svg(draw(explain(trace, full=options.full)))


RENDERER: Renderer = Sequence()
