"""Learns from random walks in which order a spec takes its locks, before anything is searched.

A search with a wrong order ends at the first lock that is taken against it, and is made again with
a better one. Nearly all such pairs are in most runs, so that a few walks save nearly all of those
searches. What the walks miss, the searches still learn.
"""

from __future__ import annotations

from collections.abc import Callable

from kmcheck.frontend import compile_spec
from kmcheck.frontend.lock_order import Edge, learnt, spelled, way
from kmcheck.frontend.settings import Wanted
from kmcheck.ir.program import LOCK_ORDER, Program
from kmcheck.replay import replay
from kmcheck.semantics import Machine
from kmcheck.solver import Solver
from kmcheck.system import build
from kmcheck.verdict import Violated
from kmcheck.walks import failing_steps

WALKS, DEPTH = 32, 400


def order_of_locks(
    program: Program, settings: Wanted, is_late: Callable[[], bool]
) -> tuple[Program, tuple[Edge, ...]]:
    """Return pairs of locks that are taken in this order, as many as walks come across.

    They can all be kept at once: a pair that contradicts others is left for a search to find. With
    them comes the program that has them in order.
    """
    edges: tuple[Edge, ...] = ()
    while program.lock_orders and not is_late():
        known, edges = edges, _walked(program, edges)
        if edges == known:
            break
        program = compile_spec(program.source, {**settings, LOCK_ORDER: spelled(edges)})
    return program, edges


def _walked(program: Program, edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    solver = Solver()
    system = build(program, solver.holds)
    machine = Machine(system.layout, solver.holds)
    for fault, claim in failing_steps(system, machine, walks=WALKS, depth=DEPTH):
        pair = program.lock_orders.get(fault.message) if fault.kind == LOCK_ORDER else None
        if pair is not None and not way(edges, *pair) and not way(edges, *reversed(pair)):
            trace = replay(system, claim, (), solver)
            edges = learnt(program, [Violated(LOCK_ORDER, trace, shortest=False)], edges)
    return edges
