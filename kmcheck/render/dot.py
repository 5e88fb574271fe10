"""The object graph at each step, in DOT: for other tools, and where `dot` is not installed."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.explain import explain
from kmcheck.film import film
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Trace


@dataclass(frozen=True, slots=True)
class Dot:
    """One graph for each step that changes the heap. Needs no other program."""

    name: str = "dot"
    suffix: str = ".dot"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Write the graphs down."""
        return film(explain(trace, full=options.full))


RENDERER: Renderer = Dot()
