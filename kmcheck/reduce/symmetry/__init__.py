"""Symmetry: of all states that permutations of like things make of each other, one is explored.

Processes of one template, objects of one kind and sizes may be interchangeable: the steps of the
system, and what is to hold, then commute with exchanging them (`equivariance`). Two states that an
exchange makes of each other can do the same, up to the exchange, and violate the same; so a search
may go on from either instead of the other, at any time. The beginning need not be symmetric: what
is reached from it is, up to exchanges, what is reached by the search.

Preserved: which violations some run leads to, and the length of the shortest one.

Source: C. N. Ip, D. L. Dill, "Better verification through symmetry" (1996); E. A. Emerson,
A. P. Sistla, "Symmetry and model checking" (1996); T. Junttila, "On the symmetry reduction
method for Petri nets and similar formalisms" (2003).
"""

from __future__ import annotations

from dataclasses import replace

from kmcheck.ir.symmetry import Symmetry
from kmcheck.protocols import Question, Reduced, Reduction
from kmcheck.reduce.symmetry.changes import changes
from kmcheck.reduce.symmetry.equivariance import Equivariance
from kmcheck.reduce.symmetry.sorts import sorts
from kmcheck.system import TransitionSystem


def symmetry_of(system: TransitionSystem) -> Symmetry:
    """Return the symmetry of a system; it may have no sorts."""
    found = changes(system.layout.program)
    looked = Equivariance(system.layout, found)
    looked.look()
    initial = [state for _, state in system.initial]
    return Symmetry(tuple(sorts(system.layout, initial, found, looked.broken)))


class OfThings:
    """The reduction on the shelf."""

    name = "symmetry"
    order = 40
    endless = False

    def reduce(self, system: TransitionSystem, question: Question) -> Reduced:
        """Find what is interchangeable: nothing if a property speaks of two states."""
        del question  # a property that is not wanted may end in a violation that is
        stepwise = any(prop.when == "step" for prop in system.layout.program.properties)
        if stepwise or system.symmetry is not None:
            return Reduced(system)
        symmetry = symmetry_of(system)
        if not symmetry.sorts:
            return Reduced(system)
        members = ", ".join(f"{sort.name} x {len(sort.members)}" for sort in symmetry.sorts)
        note = f"{members}: up to {symmetry.order:,} states as one"
        return Reduced(replace(system, symmetry=symmetry), note)


REDUCTION: Reduction = OfThings()
