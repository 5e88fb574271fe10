"""The classes of locks of a spec, in an order that they may be taken in, and what breaks it.

A class is where a lock lives: a field of a class, or a global. A search is made with some order of
all classes. Where it finds a lock taken against that order, the pair is learnt, and the search is
made again with an order that allows it; until nothing is found, or no order allows all that has
been learnt. So what holds, holds for all runs together, and no state has to remember an order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from kmcheck.diagnostics import UsageError
from kmcheck.ir.program import LOCK_ORDER, Program
from kmcheck.trace import Trace
from kmcheck.verdict import Verdict, Violated

CONTEXTS = {"hardirq": "a hardirq handler", "softirq": "a softirq handler"}
"""Classes that stand for being interrupted, and not for a lock."""


UNCHECKED = "unchecked"
"""What stands for an order where nobody wants to know: a lock taken against it would end a run."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One lock was taken while another was held, and where."""

    held: str
    taken: str
    site: str


def spelled(edges: Iterable[Edge]) -> str:
    """Return edges as one text."""
    return "; ".join(f"{edge.held} > {edge.taken} > {edge.site}" for edge in edges)


def read_edges(text: str) -> tuple[Edge, ...]:
    """Return the edges that a text spells.

    Raises:
        UsageError: it spells none.
    """
    parts = [part.split(" > ", 2) for part in text.split("; ") if part]
    if any(len(part) != len(fields(Edge)) for part in parts):
        raise UsageError(f"`{text}` is no order of locks")
    return tuple(Edge(*part) for part in parts)


def in_order(classes: Collection[str], edges: Collection[Edge]) -> tuple[str, ...]:
    """Return the classes so that each edge leads to a later one.

    Raises:
        UsageError: the edges, which may be from a stored trace, go in a circle.
    """
    left, ordered = list(classes), []
    while left:
        held = {edge.taken for edge in edges if edge.held in left}
        first = next((name for name in left if name not in held), None)
        if first is None:
            raise UsageError(f"there is no order of locks with {spelled(edges)}")
        left.remove(first)
        ordered.append(first)
    return tuple(ordered)


def way(edges: Collection[Edge], start: str, end: str) -> tuple[Edge, ...]:
    """Return the shortest way along edges from one class to another, empty if there is none."""
    ways: dict[str, tuple[Edge, ...]] = {start: ()}
    ahead = [start]
    for name in ahead:
        for edge in edges:
            if edge.held == name and edge.taken not in ways:
                ways[edge.taken] = (*ways[name], edge)
                ahead.append(edge.taken)
    return ways.get(end, ())


def told(edges: Collection[Edge], held: str, taken: str) -> tuple[str, bool]:
    """Return what to say of a lock that is taken against the order, and whether it is wrong."""
    if held == taken:
        return f"{taken} is taken while another {taken} is held: name a subclass for one", True
    back = way(edges, taken, held)
    others = "; but ".join(f"{_what(edge.held, edge.taken)} in {edge.site}" for edge in back)
    return _what(held, taken) + (f"; but {others}" if back else ""), bool(back)


def _what(held: str, taken: str) -> str:
    if held in CONTEXTS:
        return f"{taken} is taken in {CONTEXTS[held]}"
    if taken in CONTEXTS:
        return f"{CONTEXTS[taken]} may come while {held} is held"
    return f"{taken} is taken while {held} is held"


def learnt(
    program: Program, verdicts: Iterable[Verdict], edges: tuple[Edge, ...]
) -> tuple[Edge, ...]:
    """Return the edges with those that a search has found which break its order only."""
    found = edges
    for verdict in verdicts:
        if isinstance(verdict, Violated) and verdict.property == LOCK_ORDER:
            pair = program.lock_orders.get(verdict.trace.violation.message)
            if pair is not None:
                found = (*found, Edge(*pair, _site(verdict.trace)))
    return found


def _site(trace: Trace) -> str:
    """Return where in the spec, or else in a primitive, a trace's last step was called."""
    frames = trace.violation.frames
    own = max((number for number, frame in enumerate(frames) if not frame.module), default=0)
    place = frames[min(own + 1, len(frames) - 1)].place
    return f"{frames[own].function}() at {Path(place.path).name}:{place.line}"
