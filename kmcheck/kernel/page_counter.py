"""Hierarchical page counters.

Semantics: a charge or an uncharge climbs from a counter to the root, one atomic step a level,
with nothing held in between: others see it half done. A counter is a sum of symbolic sizes, so a
law about it is meant for all sizes. `parent` never changes once set, so the load of it is no step
of its own: it is done at the begin of the next level's step, and the counter that it is loaded
from must still be alive there. Whether a counter is at its limit is a choice of the environment:
each page_counter_try_charge() may fail at each level that has a parent (the root has no limit),
and then takes back what it has charged, level by level.

Kernel: `include/linux/page_counter.h`, `mm/page_counter.c`, v6.12; before v3.19 the same walk,
under a lock a level, in `kernel/res_counter.c`.

Misuse reported: `counter-underflow` (page_counter_cancel() below zero, where the kernel warns). A
counter that a design lets dip below zero is no PageCounter: use a `Counter`, and a law.
"""

from kmcheck.lang import Counter, Object, Ref, Size, atomic, check, may_fail


class PageCounter(Object):
    """`struct page_counter`."""

    usage: Counter
    parent: Ref["PageCounter"]


def page_counter_init(counter: PageCounter, parent: PageCounter | None) -> None:
    """Link a counter below its parent."""
    counter.parent = parent


def page_counter_cancel(counter: PageCounter, nr_pages: Size) -> None:
    """Take pages out of this counter alone."""
    with atomic("uncharged here"):
        counter.usage.sub(nr_pages)
        check(counter.usage >= 0, "counter-underflow", "page_counter underflow")


def page_counter_charge(counter: PageCounter, nr_pages: Size) -> None:
    """Charge a counter and all above it."""
    c = counter
    with atomic("charged here"):
        c.usage.add(nr_pages)
        more = c.parent is not None
    while more:
        with atomic("charged one level up"):
            c = c.parent
            c.usage.add(nr_pages)
            more = c.parent is not None


def page_counter_uncharge(counter: PageCounter, nr_pages: Size) -> None:
    """Uncharge a counter and all above it."""
    c = counter
    with atomic("uncharged here"):
        page_counter_cancel(c, nr_pages)
        more = c.parent is not None
    while more:
        with atomic("uncharged one level up"):
            c = c.parent
            page_counter_cancel(c, nr_pages)
            more = c.parent is not None


def page_counter_try_charge(counter: PageCounter, nr_pages: Size) -> bool:
    """Charge a counter and all above it unless one is at its limit; tell whether it could."""
    c = counter
    with atomic("charged here"):
        c.usage.add(nr_pages)
        more = c.parent is not None
        failed = False
        if more:
            failed = may_fail()
    while more and not failed:
        with atomic("charged one level up"):
            c = c.parent
            c.usage.add(nr_pages)
            more = c.parent is not None
            if more:
                failed = may_fail()
    if failed:
        page_counter_cancel(c, nr_pages)  # at its limit: take it back here
        undone = counter
        while undone != c:  # and in all below
            page_counter_cancel(undone, nr_pages)
            undone = undone.parent
    return not failed
