"""The object graph at each step, drawn by `dot`: the dangling pointer is the one red thing."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.explain import explain
from kmcheck.film import film, frames, is_installed, picture
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Trace

MISSING = "// `dot` is not installed here (apt install graphviz): this is its input\n"


@dataclass(frozen=True, slots=True)
class Heap:
    """One picture a step, from top to bottom, everything always in the same place."""

    name: str = "heap"
    media: Media = "text"

    @property
    def suffix(self) -> str:
        """`.heap.svg`, or `.heap.dot` where there is no `dot` to draw with."""
        return ".heap.svg" if is_installed() else ".heap.dot"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Draw the graphs."""
        story = explain(trace, full=options.full)
        return picture(frames(story)) if is_installed() else MISSING + film(story)


RENDERER: Renderer = Heap()
