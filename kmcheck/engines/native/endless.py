"""Runs that never end, of a search that has ended: machine code goes through all states again."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcheck.engines.native.compiled import Compiled
from kmcheck.engines.native.graphing import AT
from kmcheck.engines.native.states import States
from kmcheck.liveness import Failed, Graph, fairness
from kmcheck.semantics import Fault, Machine
from kmcheck.semantics.obligations import Obligations

PIECE = 1 << 16
"""States between two looks at the clock."""

EACH_STATE, EACH_STEP = 96, 40
"""Bytes that the graph takes, while it is taken apart."""

Words = NDArray[np.uint64]


def room(states: int, steps: int, names: int) -> int:
    """Return how many bytes it takes to judge the runs of a graph."""
    return states * (EACH_STATE + 16 * names) + steps * EACH_STEP


@dataclass(frozen=True, slots=True)
class Endless:
    """All states and steps, as arrays. `heed` is called now and then."""

    compiled: Compiled
    states: States
    machine: Machine
    heed: Callable[[], None]

    def graph(self) -> Graph:
        """Return the graph of all states."""
        count, steps = self.states["states"], self.states.total("transitions")
        starts = np.zeros(count + 1, dtype=np.int64)
        targets = np.zeros(steps, dtype=np.int32)
        actors = np.zeros(steps, dtype=np.int16)
        given = (ctypes.c_int64 * len(AT))()
        for name, array in (("starts", starts), ("targets", targets), ("actors", actors)):
            given[AT[name]] = array.ctypes.data
        context = self.states.start(0)[0]
        for given[AT["first"]], given[AT["end"]] in self._pieces():
            self.compiled.edges(context, ctypes.addressof(given))
        starts[count] = given[AT["count"]]
        assert starts[count] == steps
        assert not steps or int(targets.min()) >= 0
        return Graph(starts, targets, actors, len(self.states.origins), fairness(self.machine))

    def told(self, obligations: Obligations) -> dict[str, tuple[Words, Words]]:
        """Return for each name what is owed, and what begins, in each state.

        Raises:
            Failed: a property cannot be evaluated.
        """
        return {name: self._of(obligations, name) for name in obligations.names}

    def _of(self, obligations: Obligations, name: str) -> tuple[Words, Words]:
        owed, begins = (np.zeros(self.states["states"], dtype=np.uint64) for _ in range(2))
        context: Any = self.states.start(0)[0]
        for first, end in self._pieces():
            arrays = (owed.ctypes.data, begins.ctypes.data)
            failed = self.compiled.owing[name](context, *arrays, first, end)
            if failed != end:
                self._raise(obligations, name, failed)
        return owed, begins

    def _raise(self, obligations: Obligations, name: str, number: int) -> None:
        """Let the reference meet what machine code met."""
        try:
            obligations.of(name, self.states.state(number))
        except Fault as fault:
            raise Failed(name, number, fault) from None
        raise AssertionError(number)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        count = self.states["states"]
        for first in range(0, count, PIECE):
            self.heed()
            yield first, min(count, first + PIECE)
