"""The run to show: to where something is owed, on to where it never comes, and round for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from kmcheck.liveness.graph import Bools, Graph, Numbers

MOST = 300_000
"""Places that are looked at for the shortest round."""

Edge = tuple[int, int, int]
"""A step: from which state, by whom, to which."""


@dataclass(frozen=True, slots=True)
class Lasso:
    """A run that never ends: on from a state that some run leads to, then round and round.

    `start` is that state. A `loop` without steps says that the run rests at the end of `path`.
    """

    start: int
    path: tuple[Edge, ...]
    loop: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """The states among which a round is looked for, and what it has to meet there.

    Of `needs`, each is for one actor: that it takes a step, or (`rests`) that the round comes by a
    state in which it cannot.
    """

    graph: Graph
    within: Bools
    without: int | None
    needs: tuple[int, ...]
    rests: tuple[bool, ...]

    def out_of(self, state: int) -> Iterator[Edge]:
        """Yield the steps out of a state that stay within."""
        graph = self.graph
        for at in range(int(graph.starts[state]), int(graph.starts[state + 1])):
            target, actor = int(graph.targets[at]), int(graph.actors[at])
            if actor != self.without and self.within[target]:
                yield state, actor, target

    def met_in(self, state: int) -> int:
        """Return, as bits, the needs that being in a state meets."""
        return sum(
            1 << bit
            for bit, (actor, rests) in enumerate(zip(self.needs, self.rests, strict=True))
            if rests and not self.graph.enabled(actor)[state]
        )

    def met_by(self, edge: Edge) -> int:
        """Return, as bits, the needs that a step meets, and the state that it leads to."""
        _, actor, target = edge
        stepped = sum(1 << bit for bit, need in enumerate(self.needs) if need == actor)
        return stepped | self.met_in(target)

    @property
    def all(self) -> int:
        """All needs, as bits."""
        return (1 << len(self.needs)) - 1


def needs(graph: Graph, of: int | None, within: Bools) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return whose steps a fair round has to take, and for each whether resting will do."""
    found = [] if of is None else [(of, False)]
    for actor, fairness in enumerate(graph.fair):
        where = graph.enabled(actor)
        if fairness == "weak":
            found.append((actor, True))
        elif fairness == "strong" and bool((where & within).any()):
            found.append((actor, False))
    return tuple(a for a, _ in found), tuple(r for _, r in found)


def round_from(around: Around, start: int) -> tuple[Edge, ...]:
    """Return a round from a state back to it that meets all needs, a shortest one if it can."""
    return _shortest(around, start) or _any(around, start)


def _shortest(around: Around, start: int) -> tuple[Edge, ...]:
    """Return a shortest round, nothing if too much had to be looked at."""
    first = (start, around.met_in(start))
    came: dict[tuple[int, int], tuple[tuple[int, int], Edge]] = {}
    ahead = deque([first])
    while ahead and len(came) < MOST:
        here = ahead.popleft()
        for edge in around.out_of(here[0]):
            there = (edge[2], here[1] | around.met_by(edge))
            if there == (start, around.all):
                return (*_back(came, first, here), edge)
            if there not in came and there != first:
                came[there] = (here, edge)
                ahead.append(there)
    return ()


def _back(
    came: dict[tuple[int, int], tuple[tuple[int, int], Edge]],
    first: tuple[int, int],
    here: tuple[int, int],
) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    while here != first:
        here, edge = came[here]
        edges.append(edge)
    return tuple(reversed(edges))


def _any(around: Around, start: int) -> tuple[Edge, ...]:
    """Return a round that goes to whatever is nearest of what is still needed, and back."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for state in np.flatnonzero(around.within).tolist():
        graph.add_edges_from((s, t, {"actor": a}) for s, a, t in around.out_of(state))
    edges: list[Edge] = []
    here, met = start, around.met_in(start)
    while met != around.all or not edges:
        ways = nx.single_source_shortest_path(graph, here)  # in the order of their lengths
        more = next(
            (way, edge)
            for state, way in ways.items()
            for edge in around.out_of(state)
            if around.met_by(edge) & ~met or met == around.all
        )
        went = [*_along(graph, more[0]), more[1]]
        edges += went
        for edge in went:
            met |= around.met_by(edge)
        here = edges[-1][2]
    return (*edges, *_along(graph, nx.shortest_path(graph, here, start)))


def _along(graph: nx.DiGraph[int], way: list[int]) -> list[Edge]:
    """Return steps that lead along some states."""
    return [(a, int(graph.edges[a, b]["actor"]), b) for a, b in pairwise(way)]


def path(
    graph: Graph, sources: Numbers, within: Bools, goal: Callable[[int], bool]
) -> tuple[int, tuple[Edge, ...]] | None:
    """Return the shortest way within some states from one of the sources to a goal, if any.

    The sources are tried in the order in which they were discovered.
    """
    around = Around(graph, within, None, (), ())
    came: dict[int, Edge | None] = {}
    for state in sources.tolist():
        came.setdefault(state, None)
    ahead = deque(came)
    while ahead:
        state = ahead.popleft()
        if goal(state):
            edges: list[Edge] = []
            while (edge := came[state]) is not None:
                edges.append(edge)
                state = edge[0]
            return state, tuple(reversed(edges))
        for edge in around.out_of(state):
            if edge[2] not in came:
                came[edge[2]] = edge
                ahead.append(edge[2])
    return None
