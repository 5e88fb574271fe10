"""The space-time diagram: processes and objects side by side, time down. An SVG of our own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kmcheck.diagram import bars, captions, handed, lanes, rounds
from kmcheck.diagram.page import Page, arrange
from kmcheck.diagram.rows import below_headings
from kmcheck.diagram.shapes import Box, Shape, Text, number
from kmcheck.diagram.spans import spans
from kmcheck.documents import templates
from kmcheck.explain import Story, joined, plain


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture's size, what it is called, and its shapes, the rearmost first."""

    width: float
    height: float
    title: str
    text: str
    shapes: tuple[Shape, ...]
    rows: tuple[tuple[tuple[int, ...], Box], ...]
    """For each row the indices of the events that it stands for, and its place."""


def svg(drawing: Drawing) -> str:
    """Return the picture as a document that needs no other file."""
    pages = templates("kmcheck.diagram")
    pages.filters["n"] = number
    return pages.get_template("picture.svg").render(drawing=drawing)


def draw(story: Story) -> Drawing:
    """Place every shape of the picture."""
    story = handed.widened(replace(story, rows=joined(tuple(below_headings(story)))))
    told = bars.bars(story)
    last = len(story.rows) - 1
    tail = any(segment.first == last for bar in told for segment in bar.segments)
    tail = tail or rounds.needs_tail(story)
    page = arrange(story, {bar.name: bar.want for bar in told}, tail=tail)
    below, y = captions.key(page, page.bottom + 12, told)
    verdict, y = captions.verdict(page, y + 8)
    shapes = (
        *_picture(page, told),
        *captions.title(page),
        *below,
        *verdict,
        *captions.footer(page, y + 8),
    )
    places = tuple((row.events, page.row(i)) for i, row in enumerate(story.rows))
    return Drawing(page.width, y + 40, _title(story), story.mark, shapes, places)


def _picture(page: Page, told: tuple[bars.Bar, ...]) -> list[Shape]:
    """The rows and bars: arrows pass over the bars that they are not meant for."""
    shapes = [*lanes.bands(page), *lanes.lifelines(page), *lanes.arrows(page)]
    shapes += [*spans(page), *bars.draw(page, told), *lanes.crossings(page)]
    crossed = {bar.name: lanes.crossed(page, bar.name) for bar in told}
    shapes += [*bars.labels(page, told, crossed), *lanes.rows(page)]
    shapes += [*lanes.headings(page), *captions.names(page, told), *rounds.draw(page)]
    return [*_no_text(shapes), *_only_text(shapes)]


def _only_text(shapes: list[Shape]) -> list[Shape]:
    return [shape for shape in shapes if isinstance(shape, Text)]


def _no_text(shapes: list[Shape]) -> list[Shape]:
    return [shape for shape in shapes if not isinstance(shape, Text)]


def _title(story: Story) -> str:
    return plain(f"{story.trace.spec}: {story.trace.violation.kind}")
