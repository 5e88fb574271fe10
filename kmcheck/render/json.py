"""The stored trace: everything that the other pictures are drawn from, for tools and for later."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.store import write
from kmcheck.trace import Trace


@dataclass(frozen=True, slots=True)
class Json:
    """The trace itself. It is never cut down: `show` and `replay` read it again."""

    name: str = "json"
    suffix: str = ".json"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:  # noqa: ARG002 - always full
        """Write the trace down."""
        return write(trace)


RENDERER: Renderer = Json()
