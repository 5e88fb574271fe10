"""What is said of a cell, of a line, and of how it grows."""

from __future__ import annotations

from kmcheck.sweep.table import Fit, Line, Measured


def it_is(found: Measured) -> str:
    """Return what came of a cell."""
    if found.verdict == "violated":
        return found.told
    return f"{found.verdict}: {found.told}" if found.told else found.verdict


def name(line: Line) -> str:
    """Return what a line is of."""
    return " ".join(f"{axis}={value}" for axis, value in line.others)


def growing(line: Line, fit: Fit) -> str:
    """Return how something grows along a line, and how far from that it was measured."""
    curve = fit.curve
    if curve.sort == "exponential":
        rate = f"x{curve.rate:.3g} each time {line.along} grows by one"
    else:
        what = line.along if not curve.shift else f"({line.along} + {curve.shift})"
        rate = f"like {what}^{curve.rate:.2f}"
    return f"{rate}, measured within x{curve.error:.2f}"


def told(line: Line, fit: Fit, amount: str) -> str:
    """Return what to expect at the next bound, and how good that would have been at the last."""
    expected = f"{line.along}={fit.next}: about {amount}"
    if fit.last is None:
        return expected
    bound, times = fit.last
    off = f"x{max(times, 1 / times):.2f}"
    how = "right" if off == "x1.00" else f"{off} too {'much' if times > 1 else 'little'}"
    return f"{expected} (so told, {line.along}={bound} was {how})"


def states_told(line: Line) -> str:
    """Return how the states of a line grow, and how many there will be; or why that is not told."""
    if line.states is not None:
        more = told(line, line.states, f"{rounded(line.states.expected)} states")
        return f"states grow {growing(line, line.states)}; {more}"
    return "no fit: fewer than three cells in a row hold"


def seconds_told(line: Line) -> str:
    """Return how the time of a line grows, and how long the next bound takes."""
    if line.seconds is None:
        return "time: no fit, fewer than three cells take long enough to tell"
    more = told(line, line.seconds, lasting(line.seconds.expected))
    return f"time grows {growing(line, line.seconds)}; {more}"


def rounded(amount: float) -> str:
    """Return a number with two digits that count."""
    return f"{float(f'{amount:.2g}'):,.0f}"


def lasting(seconds: float) -> str:
    """Return a time in the largest unit of which there are two."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{float(f'{seconds / length:.2g}'):,.0f} {unit}"
    return f"{seconds:.2g} s"
