"""All pictures on one page, to be gone through step by step: one file, and no network."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass

from kmcheck import documents, shelf
from kmcheck.diagram import draw, svg
from kmcheck.explain import Story, explain, plain
from kmcheck.film import MARGIN, frames, is_installed, picture
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.render.html.steps import Step, steps
from kmcheck.trace import Trace

NUMBERED = re.compile(r" {2,}(\d+)  ")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that the page holds in itself: an SVG as a `data:` address, and its size."""

    source: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the diagram: its place, and the steps that it stands for."""

    x: float
    y: float
    width: float
    height: float
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the template is filled with."""

    title: str
    subtitle: str
    mark: str
    digest: str
    reasons: tuple[tuple[int | None, str], ...]
    steps: tuple[Step, ...]
    loop: int | None
    """The step with which the round begins; one more than there are where the run rests."""
    diagram: Image
    rows: tuple[Row, ...]
    heap: tuple[Image, ...]
    table: tuple[tuple[str, int | None], ...]
    """The lines of the table, each with the step that it is about."""


@dataclass(frozen=True, slots=True)
class Html:
    """The diagram, the heap and the table, with what each step changes."""

    name: str = "html"
    suffix: str = ".html"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Write the page. Without `dot` it has no heap, and says so."""
        told = _page(explain(trace, full=options.full), options)
        pages = documents.templates("kmcheck.render.html")
        return documents.page(pages, "page.html", "page.css", "page.js", page=told)


def _page(story: Story, options: RenderOptions) -> Page:
    trace, drawing = story.trace, draw(story)
    settings = ", ".join(f"{name}={value}" for name, value in trace.chosen)
    count = f"{len(trace.events)} step{'' if len(trace.events) == 1 else 's'}"
    return Page(
        title=drawing.title,
        subtitle=plain(f"{count}{f', {settings}' if settings else ''}"),
        mark=story.mark,
        digest=plain(trace.digest[:16]),
        reasons=tuple((reason.number, reason.text) for reason in story.reasons),
        steps=steps(story),
        loop=None if trace.loop_at is None else trace.loop_at + 1,
        diagram=_image(svg(drawing), drawing.width, drawing.height),
        rows=tuple(
            Row(box.x, box.y, box.w, box.h, tuple(index + 1 for index in events))
            for events, box in drawing.rows
            if events
        ),
        heap=_heap(story),
        table=_table(trace, options),
    )


def _image(drawn: str, width: float, height: float) -> Image:
    source = f"data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}"
    return Image(source, round(width, 1), round(height, 1))


def _heap(story: Story) -> tuple[Image, ...]:
    """Return a picture for each frame; there is none where `dot` is not installed."""
    found = [(picture((frame,)), frame) for frame in frames(story)] if is_installed() else []
    edges = 2 * MARGIN
    return tuple(_image(drawn, f.width + edges, f.height + edges) for drawn, f in found)


def _table(trace: Trace, options: RenderOptions) -> tuple[tuple[str, int | None], ...]:
    """Return the lines of the table; those with a step's number are about that step."""
    columns: Renderer = shelf.take("render", "columns", "RENDERER")
    found = []
    known = {event.number for event in trace.events}
    for line in str(columns.render(trace, options)).splitlines():
        match = NUMBERED.match(line)
        number = int(match[1]) if match else None
        found.append((line, number if number in known else None))
    return tuple(found)


RENDERER: Renderer = Html()
