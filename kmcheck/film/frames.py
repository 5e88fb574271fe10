"""The graphs as `dot` draws them: everything in the same place in every frame."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from html import unescape

import graphviz

from kmcheck.explain import Story
from kmcheck.film.graphs import EM, TITLE, film

PICTURE = re.compile(r'viewBox="0.00 0.00 ([\d.]+) ([\d.]+)"[^>]*>(.*?)</svg>', re.DOTALL)
CAPTION = re.compile(rf'font-size="{TITLE:.2f}"[^>]*>([^<]*)</text>')
EDGE = 8.0
"""From the edge of a graph to its caption."""
GAP, MARGIN = 26.0, 20.0
STYLE = """
.page{fill:#fff}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117}
.shot>text,.node text{fill:#e6edf3}.shot.bad>text{fill:#ff8f80}
.live path{fill:#12351f;stroke:#6fdd8b}.dying path{fill:#3d2e00;stroke:#e3b341}
.freed path{fill:#1c2128;stroke:#9198a1}
.object.bad path{stroke:#ff8f80}
.process polygon,.process polyline{stroke:#9198a1}
.edge path{stroke:#9198a1}.edge polygon{fill:#9198a1;stroke:#9198a1}.edge text{fill:#9198a1}
.changed path{stroke:#6fdd8b}.changed polygon{fill:#6fdd8b;stroke:#6fdd8b}
.changed text{fill:#6fdd8b}
.dangling path{stroke:#ff8f80}.dangling polygon{fill:#ff8f80;stroke:#ff8f80}
.dangling text{fill:#ff8f80}
}
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """One graph: its size in pixels, and what is inside of its <svg>."""

    width: float
    height: float
    body: str


def is_installed() -> bool:
    """Tell whether there is a `dot` to draw with."""
    return shutil.which("dot") is not None


def frames(story: Story) -> tuple[Frame, ...]:
    """Return a frame for each shot of the heap; needs `dot`."""
    # all at once: `dot` answers after each graph, and would wait for a reader who still writes
    source = film(story, "transparent")
    drawn = graphviz.pipe_string("dot", "svg", source, encoding="utf-8", quiet=True)
    return tuple(
        Frame(max(float(match[1]), _caption(match[3])), float(match[2]), match[3])
        for match in PICTURE.finditer(drawn)
    )


def picture(told: tuple[Frame, ...]) -> str:
    """Put frames below each other, in one document."""
    parts: list[str] = []
    y, wide = MARGIN, 0.0
    for frame in told:
        w, h = frame.width, frame.height
        box = f'x="{MARGIN:g}" y="{y:.2f}" width="{w}" height="{h}" viewBox="0 0 {w} {h}"'
        parts.append(f"<svg {box}>{frame.body}</svg>\n")
        y, wide = y + h + GAP, max(wide, w)
    wide, tall = wide + 2 * MARGIN, y - GAP + MARGIN
    size = f'width="{wide:.2f}" height="{tall:.2f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{size} viewBox="0 0 {wide:.2f} {tall:.2f}">\n<style>{STYLE}</style>\n'
        f'<rect class="page" {size}/>\n{"".join(parts)}</svg>\n'
    )


def _caption(graph: str) -> float:
    """Return the width that a caption needs: `dot` guesses it from a font that is not there."""
    told = (unescape(match[1]).rstrip("\xa0 ") for match in CAPTION.finditer(graph))
    return max((2 * EDGE + len(text) * TITLE * EM for text in told), default=0.0)
