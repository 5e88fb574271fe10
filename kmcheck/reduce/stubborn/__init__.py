"""Stubborn sets: where processes do not disturb each other, one order of their steps is enough.

In a state, take one process that can go on, and with it

1. for each that is taken and can go on, all whose steps, now or later, may touch what its next step
   touches, one of the two changing it;
2. for each that is taken and is blocked, all whose steps, now or later, may write what it waits
   for.

If those left out run, in whatever way, the next steps of those taken stay the same, and come to the
same before, between or behind them. So only the steps of those taken are explored, unless one of
them cannot be put before others:

- Somebody may see it: what a property reads is written by it, so that a violation that the others
  lead to may be gone behind it. What is judged when all has ended is seen by no step of a process
  that has to end: it has not ended before. What is judged at rest is seen by the first step of a
  process only. Actions, and where leaks are asked for daemons, are always seen.
- It goes wrong, or needs more than there is: there is nothing behind it in which the others run.
- It is sticky (`cycles`): so on each cycle of what is explored there is a state in which everything
  is, and nobody is left out for ever. That depends on the state alone, and not on the order in
  which states are found.

Preserves deadlocks (1 and 2 suffice), and whether a violation, a fault of a step, a bound, or a
step at all is ever come to: take a run to it. If a step of those taken is in the run, the first
such may come first. If none is, any may, the run is there behind it, and ends in the same: by what
is said above a property that fails at its end fails still. Either way what is left of the run is no
longer, and gets shorter where everything is explored. Lengths of runs are not preserved. Where a
property is about steps, nothing is reduced.

What a step touches is known by address (`ir.stubborn`): a variable that points to an object is
looked up in the state. What is touched later is known from the code, and from the variables that
it does not change. Reading a pointer to what may be freed counts as touching what it points to, for
a free makes every copy of an address stale; an allocation reads which addresses dangle, where slots
are used again, and which sizes are mentioned. A process's own bit in a set of processes is its own,
and amounts that are added to a counter may be added in any order. Grace periods, callbacks and
workers need no rules of their own: they are processes, written in the spec language.

Sources: A. Valmari, "Stubborn sets for reduced state space generation" (1991); P. Godefroid,
"Partial-order methods for the verification of concurrent systems" (LNCS 1032, 1996), 4;
E. A. Emerson, S. Jha, D. Peled, "Combining partial order and symmetry reductions" (TACAS 1997).
"""

from __future__ import annotations

from dataclasses import replace

from kmcheck.ir.stubborn import Row, Stubborn
from kmcheck.protocols import Question, Reduced, Reduction
from kmcheck.reduce.stubborn.footprints import Footprints
from kmcheck.reduce.stubborn.questions import Questions
from kmcheck.reduce.stubborn.seeing import Seeing
from kmcheck.system import TransitionSystem

MOST = 32
"""Processes and actions among which it is worth to choose: engines look at all pairs of them."""


class StubbornSets:
    """The reduction on the shelf."""

    name = "stubborn"
    order = 50
    endless = False

    def reduce(self, system: TransitionSystem, question: Question) -> Reduced:
        """Return the system with the footprints of its steps, if they are good for anything."""
        by_step = any(prop.when == "step" for prop in system.program.properties)
        if by_step or _actors(system) > MOST:
            return Reduced(system)
        stubborn = stubborn_of(system, question)
        free, all_ = stubborn.counted()
        if not free or stubborn == system.stubborn:
            return Reduced(system)
        return Reduced(replace(system, stubborn=stubborn), f"{free} of {all_} steps may go first")


def _actors(system: TransitionSystem) -> int:
    actions = sum(t.role == "action" for t in system.program.templates.values())
    return system.layout.process_count + actions


def stubborn_of(system: TransitionSystem, question: Question) -> Stubborn:
    """Return the footprints of all steps, and which of them have to go with all others."""
    layout = system.layout
    footprints = Footprints(layout, Questions(layout))
    seeing = Seeing(system, question, footprints)
    rows: dict[str, dict[int, Row]] = {}
    for name, template in system.program.templates.items():
        if template.role == "setup":
            continue
        cuts = [n for n, b in enumerate(template.blocks) if b.cut or n == template.entry]
        nexts = {cut: footprints.next(template, cut) for cut in cuts}
        whole = seeing.whole(template, nexts)
        rows[name] = {
            cut + 1: Row(nexts[cut], footprints.ever(template, cut), cut in whole) for cut in cuts
        }
    return Stubborn(rows, alike=system.symmetry is not None)


REDUCTION: Reduction = StubbornSets()
