"""Which properties of runs fail on a graph, each with a run on which it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcheck.ir.program import When
from kmcheck.liveness.fair import fair
from kmcheck.liveness.graph import Bools, Graph, Part
from kmcheck.liveness.lasso import Around, Edge, Lasso, needs, path, round_from
from kmcheck.semantics import Machine, State
from kmcheck.verdict import Claim, Witness

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of all runs under one name, and what each state says of it.

    Of `owed` and `begins` there is a word for each state, with a bit for each binding, as in
    `semantics.obligations.Owed`. `process` says for `livelock` and `starvation` which actor each
    binding is.
    """

    name: str
    when: When | None
    owed: Words
    begins: Words
    process: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where an engine keeps states, and the runs to them."""

    state: Callable[[int], State]
    run_to: Callable[[int], Witness]


def failing(graph: Graph, what: Asked, machine: Machine, source: Source) -> Claim | None:
    """Return a claim if what is asked fails on some run, with such a run that never ends."""
    found = next((lasso for b in _bindings(what) if (lasso := _lasso(graph, what, b))), None)
    return None if found is None else Claim(what.name, _witness(found, machine, source))


def _bindings(what: Asked) -> Iterator[int]:
    """Yield the bindings that anything is ever owed to."""
    bits = int(np.bitwise_or.reduce(what.owed)) if len(what.owed) else 0
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _lasso(graph: Graph, what: Asked, binding: int) -> Lasso | None:
    """Return a run on which what is owed to a binding never comes, None if there is none."""
    bit = np.uint64(1 << binding)
    stay = (what.owed & bit) != 0
    of = what.process[binding] if what.name == "livelock" else None
    without = what.process[binding] if what.name == "starvation" else None
    for_ever = fair(graph, stay, of=of, without=without)
    rest = stay & _resting(graph, what)
    if not (for_ever.any() or rest.any()):
        return None
    begin = np.flatnonzero(stay & _beginning(graph, what, bit))
    ends = for_ever | rest
    way = path(graph, begin, stay, lambda state: bool(ends[state]))
    if way is None:
        return None
    start, edges = way
    last = edges[-1][2] if edges else start
    if rest[last]:
        return Lasso(start, edges, ())
    within = _component(graph, for_ever, last, without)
    around = Around(graph, within, without, *needs(graph, of, within))
    return Lasso(start, edges, round_from(around, last))


def _component(graph: Graph, states: Bools, state: int, without: int | None) -> Bools:
    """Return what is strongly connected to a state among some states."""
    part = Part(graph, states, without)
    label = part.labels[np.searchsorted(part.states, state)]
    found = np.zeros(graph.states, dtype=np.bool_)
    found[part.states[part.labels == label]] = True
    return found


def _resting(graph: Graph, what: Asked) -> Bools:
    """Return where a run may rest; where nobody can go on at all is the deadlock's matter."""
    if what.name == "livelock":
        return np.zeros(graph.states, dtype=np.bool_)
    moving: Bools = np.diff(graph.starts) > 0
    return graph.resting & moving if what.name == "starvation" else graph.resting


def _beginning(graph: Graph, what: Asked, bit: np.uint64) -> Bools:
    """Return the states in which an obligation begins."""
    begins: Bools = (what.begins & bit) != 0
    if what.when != "eventually":
        return begins
    born = np.zeros(graph.states, dtype=np.bool_)
    born[: graph.beginning] = True
    born[graph.targets[~begins[graph.sources]]] = True
    return begins & born


def _witness(lasso: Lasso, machine: Machine, source: Source) -> Witness:
    """Return the run, with the choices of each step."""
    known = source.run_to(lasso.start)
    steps = [_step(edge, machine, source) for edge in (*lasso.path, *lasso.loop)]
    loop = len(known.steps) + len(lasso.path)
    return Witness(known.initial, (*known.steps, *steps), loop)


def _step(edge: Edge, machine: Machine, source: Source) -> tuple[int, tuple[int, ...]]:
    before, actor, after = edge
    wanted = source.state(after)
    for step in machine.steps_of(source.state(before), actor):
        if step.state == wanted:
            return step.process, step.choices
    raise AssertionError(edge)
