"""How large a state space will turn out to be, from the sizes of the levels searched so far.

Levels of a breadth-first search grow, reach a peak, and shrink: the logarithms of their sizes lie
near a parabola that opens downwards. Beyond the peak it tells where the levels end. Before, nothing
does, and there is no estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, floor, log, log10
from operator import mul

FEWEST = 8
"""Levels below which there is no estimate."""

WINDOWS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
"""Shares of the levels, the last ones, through which a parabola is laid: none is always right."""

NARROWEST, WIDEST = 5, 200
"""Levels in such a window, at the least and at the most."""

SLOPE = 4
"""Steps from level to level that tell whether the peak is behind."""

FLAT = 0.97
"""A level that is no smaller than this share of the one before is not taken to shrink faster."""

FURTHEST = 10_000
"""Levels beyond which a parabola is not followed."""

DOUBT = 3.0
"""What is still to be found may be so many times less than the least guess, or more than the most.

Measured on the specs of this repository that have 3,000 states or more: the space was as large as
said at 97 of 100 levels beyond the peak.
"""

DIGITS = 2
"""Digits that a bound of an estimate has."""


def total(levels: Sequence[int]) -> tuple[int, int] | None:
    """Return between which two numbers of states a search will end; None if nothing tells yet.

    Args:
        levels: how many states were found at each depth, all of them; the last is not empty.
    """
    if len(levels) < FEWEST:
        return None
    sizes = [log(n) for n in levels[-WIDEST:]]
    slope = (sizes[-1] - sizes[-1 - SLOPE]) / SLOPE
    guesses = list(_guesses(sizes, len(levels), slope))
    if slope > 0 or len(guesses) <= 1:
        return None
    found = sum(levels)
    return _rounded(found + min(guesses) / DOUBT), -_rounded(-found - max(guesses) * DOUBT)


def _guesses(sizes: list[float], levels: int, slope: float) -> Iterator[float]:
    """Yield how many states may be found below the last level, from the logarithms of the sizes."""
    shrink = min(FLAT, exp(min(0.0, slope)))
    yield exp(sizes[-1]) * shrink / (1 - shrink)  # as many times less from level to level for ever
    for share in WINDOWS:
        bend = _bend(sizes[-max(NARROWEST, int(share * levels)) :])
        if bend is not None:
            guess = _below(sizes[-1], *bend)
            if guess is not None:
                yield guess


def _below(last: float, slope: float, curve: float) -> float | None:
    """Return how many states a parabola says are below a level; None if no end is near."""
    found = 0.0
    for step in range(1, FURTHEST):
        size = last + slope * step + curve * step * step
        if size < 0:
            return found
        found += exp(min(size, 100.0))
    return None


def _bend(values: list[float]) -> tuple[float, float] | None:
    """Return slope and curvature, at the last value, of the parabola with the least squares.

    None if it does not open downwards, or rises there by more than what is noise.
    """
    places = range(1 - len(values), 1)
    powers = [float(sum(x**p for x in places)) for p in range(5)]
    sums = [sum(map(mul, (x**p for x in places), values)) for p in range(3)]
    rows = [powers[p : p + 3] for p in range(3)]
    whole = _determinant(rows)
    slope, curve = (
        _determinant([[*row[:at], y, *row[at + 1 :]] for row, y in zip(rows, sums, strict=True)])
        / whole
        for at in (1, 2)
    )
    return (min(slope, 0.1), curve) if curve < 0 else None


def _determinant(rows: list[list[float]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _rounded(number: float) -> int:
    """Return a number with few digits that is not larger."""
    if -1 < number < 1:
        return floor(number)
    unit: int = 10 ** max(0, floor(log10(abs(number))) - DIGITS + 1)
    return floor(number / unit) * unit
