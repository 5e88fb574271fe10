"""The graph of all states: who leads from which to which."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from kmcheck.ir.code import Fairness

Bools = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass
class Graph:
    """States in the order of discovery, and the steps between them.

    The steps out of state n are those from `starts[n]` to `starts[n + 1]`: `targets` has where each
    leads, `actors` who takes it. The first `beginning` states are the initial ones. `fair` has the
    fairness of each actor.
    """

    starts: Numbers
    targets: NDArray[np.int32]
    actors: NDArray[np.int16]
    beginning: int
    fair: tuple[Fairness, ...]
    _enabled: dict[int, Bools] = field(default_factory=dict)

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.starts) - 1

    @cached_property
    def sources(self) -> NDArray[np.int32]:
        """For each step, the state that it leads out of."""
        counts = np.diff(self.starts)
        return np.repeat(np.arange(self.states, dtype=np.int32), counts)

    def enabled(self, actor: int) -> Bools:
        """Return the states in which an actor can take a step."""
        if actor not in self._enabled:
            found = np.zeros(self.states, dtype=np.bool_)
            found[self.sources[self.actors == actor]] = True
            self._enabled[actor] = found
        return self._enabled[actor]

    @cached_property
    def resting(self) -> Bools:
        """The states in which a run may stay for ever: nobody has to go on."""
        moving = np.zeros(self.states, dtype=np.bool_)
        for actor, fair in enumerate(self.fair):
            if fair != "none":
                moving |= self.enabled(actor)
        return ~moving

    @cached_property
    def circular(self) -> Bools:
        """The states to which some run comes back."""
        everything = np.ones(self.states, dtype=np.bool_)
        part = Part(self, everything)
        return part.spread(part.going_round)


class Part:
    """Some states of a graph, and the steps between them, taken apart into components.

    `states` are their numbers in the graph; all else is by place among them. `labels` says which
    strongly connected component each is in. `inner` marks the steps within a component.
    """

    def __init__(self, graph: Graph, which: Bools, without: int | None = None) -> None:
        """Take the states marked, and leave out the steps of one actor if it is named."""
        self.graph = graph
        self.states = np.flatnonzero(which)
        if len(self.states) == graph.states:
            sources, targets, actors = graph.sources, graph.targets, graph.actors
        else:
            place = np.full(graph.states, -1, dtype=np.int32)
            place[self.states] = np.arange(len(self.states), dtype=np.int32)
            steps = np.flatnonzero(which[graph.sources] & which[graph.targets])
            sources, targets = place[graph.sources[steps]], place[graph.targets[steps]]
            actors = graph.actors[steps]
        if without is not None:
            others = actors != without
            sources, targets, actors = sources[others], targets[others], actors[others]
        self.sources, self.targets, self.actors = sources, targets, actors
        size = len(self.states)
        starts = np.zeros(size + 1, dtype=np.int64)
        np.cumsum(np.bincount(sources, minlength=size), out=starts[1:])
        marks = np.ones(len(targets), dtype=np.int8)
        matrix = csr_array((marks, targets, starts.astype(np.int32)), shape=(size, size))
        self.count, self.labels = connected_components(matrix, connection="strong")
        self.inner = self.labels[sources] == self.labels[targets]

    @cached_property
    def sizes(self) -> Numbers:
        """How many states each component has."""
        return np.bincount(self.labels, minlength=self.count)

    @cached_property
    def going_round(self) -> Bools:
        """The components in which a run may go round for ever."""
        return self._any(self.labels[self.sources[self.inner]])

    def taken(self, actor: int) -> Bools:
        """Return the components in which an actor takes a step."""
        which = self.inner & (self.actors == actor)
        return self._any(self.labels[self.sources[which]])

    def enabled(self, actor: int) -> Numbers:
        """Return in how many states of each component an actor can take a step, to anywhere."""
        where = self.graph.enabled(actor)[self.states]
        return np.bincount(self.labels[where], minlength=self.count)

    def spread(self, components: Bools) -> Bools:
        """Return the states of the graph that are in one of these components."""
        found = np.zeros(self.graph.states, dtype=np.bool_)
        found[self.states[components[self.labels]]] = True
        return found

    def _any(self, labels: NDArray[np.int32]) -> Bools:
        found = np.zeros(self.count, dtype=np.bool_)
        found[labels] = True
        return found
