"""The CPU0/CPU1 table that reviewers paste into changelogs: ASCII, at most 75 columns."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.table import Style, table
from kmcheck.trace import Trace


@dataclass(frozen=True, slots=True)
class Columns:
    """One event a row, time down, one column for each process."""

    name: str = "columns"
    suffix: str = ".txt"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Draw the table, and below it why it went wrong."""
        return table(trace, options, Style())


RENDERER: Renderer = Columns()
