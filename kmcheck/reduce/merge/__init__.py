"""Merge local and invisible steps: each is made at once, together with the step before it.

Let t be the steps of a process p that begin at its cut c. The cut is taken away, so that who comes
to c goes on with t at once, if

1. t is always enabled and never goes wrong: it assigns, stores and chooses (among what is always
   there), follows only addresses that are sure to be good (`ir.good`), and leaves no range;
2. t is independent of every step of every other instance: no field that one of them writes is
   touched by the other, in an object that may be the same (`ir.access`); t asks for no position,
   and not what lives; it writes no address whose dangling would tell an allocation something, and
   no size where new sizes are made;
3. t is invisible: no property reads a field that it writes, no one asks for a position that differs
   between c and where t ends, and t writes no address in a daemon, whose variables hold on to what
   would leak; where a property is about steps, nothing is merged;
4. c is not where a process begins, and some cut is left on each cycle, none of which runs inside of
   the steps that get longer, so that no step runs out of blocks.

Then take a run that makes the step a of p up to c and t later. Between the two are steps of others
only, all independent of t, so that t may come right behind a, and the others find the same: they
are enabled as before, choose among the same, and go wrong in the same way. If the run ends before
t, let t follow: it is enabled, and by 3 each property has in the state after t the value that it
had before, faults included. So does leak: c is no end of a process, and a daemon holds no more
than before. Deadlock: where p is at c it can go on, and no other state is left out. Doing this for
each merged step from the front of the run gives a run of the reduced system; by 4 it ends. A run of
the reduced system is one of the whole system. So what is violated on either is violated on both.

The same goes for runs that never end, if fairness sees to it that t comes: where p may stop
anywhere, and such runs are asked for, nothing is merged. By 1 p is enabled at c, by 2 all others
are enabled before t just when they are behind it. So who can always, or again and again, go on in
the one run can in the other, and takes as many steps there but for those that were merged; what
properties see of it differs in how often each state is repeated, which none of them asks.

Sources: Lipton, "Reduction: a method of proving properties of parallel programs" (CACM 1975); the
statement merging of Holzmann (SPIN 1999); Godefroid, "Partial-Order Methods" (LNCS 1032), chapter 4
for steps that are independent of all that others do.
"""

from __future__ import annotations

from dataclasses import replace

from kmcheck.protocols import Question, Reduced, Reduction
from kmcheck.reduce.merge.merging import merged
from kmcheck.reduce.merge.surroundings import Surroundings
from kmcheck.system import TransitionSystem, recoded


class Merge:
    """The reduction on the shelf."""

    name = "merge"
    order = 20
    endless = True

    def reduce(self, system: TransitionSystem, question: Question) -> Reduced:
        """Return the system with fewer cuts."""
        surroundings = Surroundings(system, question.wanted)
        if surroundings.by_step:
            return Reduced(system)
        templates = dict(system.program.templates)
        for name in system.layout.processes:
            if not question.endless or templates[name].fair != "none":
                templates[name] = merged(surroundings, templates[name])
        before = _cuts(system)
        changed = recoded(system, replace(system.program, templates=templates))
        saved = before - _cuts(changed)
        return Reduced(changed, f"{saved} of {before} steps") if saved else Reduced(system)


def _cuts(system: TransitionSystem) -> int:
    templates = [system.program.templates[name] for name in system.layout.processes]
    return sum(block.cut for template in templates for block in template.blocks)


REDUCTION: Reduction = Merge()
