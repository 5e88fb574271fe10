"""What a picture is made of, and how wide text is without asking a font."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kmcheck.explain import wrapped

EM = 0.602
"""Width of a character of a monospace font, in its size; no common one is wider."""

BODY, SMALL = 12.0, 10.5


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its upper left corner, width and height, in pixels."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.h

    @property
    def middle(self) -> float:
        """The horizontal centre."""
        return self.x + self.w / 2

    def overlaps(self, other: Box) -> bool:
        """Tell whether two have a part in common."""
        beside = self.right <= other.x or other.right <= self.x
        return not beside and self.y < other.bottom and other.y < self.bottom


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle."""

    box: Box
    style: str
    radius: float = 0


@dataclass(frozen=True, slots=True)
class Path:
    """Straight lines through the points; closed where `style` fills it."""

    points: tuple[tuple[float, float], ...]
    style: str
    closed: bool = False

    @property
    def data(self) -> str:
        """The points as SVG wants them."""
        steps = " L".join(f"{number(x)} {number(y)}" for x, y in self.points)
        return f"M{steps}{' Z' if self.closed else ''}"


@dataclass(frozen=True, slots=True)
class Circle:
    """A dot."""

    x: float
    y: float
    radius: float
    style: str


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text, already cut to fit `box`; `whole` is what it was before, if it was cut."""

    box: Box
    text: str
    style: str
    size: float = BODY
    anchor: Literal["start", "middle", "end"] = "start"
    whole: str = ""

    @property
    def x(self) -> float:
        """Where the text is anchored."""
        edges = {"start": self.box.x, "middle": self.box.middle, "end": self.box.right}
        return edges[self.anchor]

    @property
    def baseline(self) -> float:
        """Where the letters stand."""
        return self.box.y + self.box.h / 2 + self.size * 0.35

    @property
    def extent(self) -> Box:
        """The rectangle that the letters cover."""
        wide = width(self.text, self.size)
        left = {"start": self.x, "middle": self.x - wide / 2, "end": self.x - wide}[self.anchor]
        return Box(left, self.baseline - self.size * 0.8, wide, self.size)


Shape = Rect | Path | Circle | Text


def number(value: float) -> str:
    """Return a coordinate: one decimal at most, the same everywhere."""
    tenths = round(value * 10)
    return str(tenths // 10) if tenths % 10 == 0 else str(tenths / 10)


def width(text: str, size: float = BODY) -> float:
    """Return the width of a line of text, in pixels."""
    return len(text) * size * EM


def room(pixels: float, size: float = BODY) -> int:
    """Return how many characters fit."""
    return max(0, int((pixels + 0.01) / (size * EM)))


def fitted(
    box: Box,
    text: str,
    style: str,
    size: float = BODY,
    anchor: Literal["start", "middle", "end"] = "start",
) -> Text:
    """Return the text, in characters that an SVG may hold, cut to the width of its box."""
    text = "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text)
    most = room(box.w, size)
    if len(text) <= most:
        return Text(box, text, style, size, anchor)
    return Text(box, (text[: most - 2] + "..")[:most], style, size, anchor, whole=text)


def lines(text: str, pixels: float, most: int, size: float = BODY) -> list[str]:
    """Wrap text to a width and a number of lines; what does not fit ends in `..`."""
    wide = max(8, room(pixels, size))
    told = wrapped(text, wide)
    most = max(1, most)
    if len(told) > most:
        told = [*told[: most - 1], told[most - 1][: wide - 2].rstrip() + ".."]
    return told
