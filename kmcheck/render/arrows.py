"""The CPU0/CPU1 table with the calls as a tree of arrows, as in mm changelogs since 2024."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.table import Style, table
from kmcheck.trace import Trace


@dataclass(frozen=True, slots=True)
class Arrows:
    """One event a row, time down, one column for each process; `-->` leads into a call."""

    name: str = "arrows"
    suffix: str = ".arrows.txt"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Draw the table, and below it why it went wrong."""
        return table(trace, options, Style(rule="=", opens="", arrow="--> "))


RENDERER: Renderer = Arrows()
