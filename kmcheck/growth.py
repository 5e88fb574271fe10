"""How fast something grows with a bound: exponentially, or as a power of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Literal

FEWEST = 3
"""Points below which nothing is said: any curve with two parameters runs through two."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A curve with the least squares on a logarithmic scale.

    `sort` is `exponential`, and `rate` the factor for each more; or `polynomial`, and `rate` the
    exponent, of the bound plus `shift`. `error` is by what factor the curve is off at the most.
    """

    sort: Literal["exponential", "polynomial"]
    rate: float
    error: float
    at_zero: float
    shift: int

    def at(self, bound: int) -> float:
        """Return what there is to be expected at a bound."""
        try:
            if self.sort == "exponential":
                return exp(self.at_zero + bound * log(self.rate))
            return exp(self.at_zero + self.rate * log(bound + self.shift))
        except OverflowError:
            return float("inf")


def growth(points: Sequence[tuple[int, float]]) -> Growth | None:
    """Return the curve that fits points best; None if they are too few.

    The residuals decide which sort it is. Where both fit as well it is the faster one: a cost that
    is less than was said is the smaller surprise.

    Args:
        points: bounds, all different, and what there was at each; more than zero.
    """
    if len(points) < FEWEST:
        return None
    logs = [log(amount) for _, amount in points]
    bounds = [bound for bound, _ in points]
    shift = max(0, 1 - min(bounds))
    fits = []
    for sort, places in (
        ("exponential", [float(bound) for bound in bounds]),
        ("polynomial", [log(bound + shift) for bound in bounds]),
    ):
        start, slope = _line(places, logs)
        off = [y - start - slope * x for x, y in zip(places, logs, strict=True)]
        residual = round(sqrt(sum(r * r for r in off)), 9)
        rate = exp(slope) if sort == "exponential" else slope
        fits.append((residual, Growth(sort, rate, exp(max(map(abs, off))), start, shift)))  # type: ignore[arg-type]
    return min(fits, key=lambda fit: fit[0])[1]


def _line(places: list[float], values: list[float]) -> tuple[float, float]:
    """Return where the line of least squares begins, at zero, and its slope."""
    x, y = sum(places) / len(places), sum(values) / len(values)
    spread = sum((p - x) ** 2 for p in places)
    slope = sum((p - x) * (v - y) for p, v in zip(places, values, strict=True)) / spread
    return y - slope * x, slope
