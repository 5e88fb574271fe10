"""Hierarchical page counters that count plain numbers, and so have limits that are decided.

Semantics: as `page_counter`, a walk from a counter to the root, one atomic step a level, with
nothing held in between; but a counter is a number from 0 to 255, and code may branch on it.
page_counter_nr_try_charge() adds first and looks then, so that others may see more than the limit
for a moment, and takes back what it has charged if a level is over its limit. Use `page_counter`
for laws that are to hold for pages of every size, this one where charges come in batches.

Kernel: `include/linux/page_counter.h`, `mm/page_counter.c`, v6.12.

Misuse reported: `counter-underflow` (uncharged by more than was charged, where the kernel warns).
"""

from kmcheck.lang import Annotated, Object, Ref, atomic, check

Pages = Annotated[int, range(256)]


class PageCounterNr(Object):
    """`struct page_counter`."""

    usage: Pages
    limited: bool  # max is not PAGE_COUNTER_MAX
    max: Pages
    parent: Ref["PageCounterNr"]


def page_counter_nr_init(counter: PageCounterNr, parent: PageCounterNr | None) -> None:
    """Link a counter below its parent."""
    counter.parent = parent


def page_counter_nr_set_max(counter: PageCounterNr, nr_pages: int) -> None:
    """Give a counter a limit."""
    with atomic("limit set"):
        counter.limited = True
        counter.max = nr_pages


def page_counter_nr_cancel(counter: PageCounterNr, nr_pages: int) -> None:
    """Take pages out of this counter alone."""
    with atomic("uncharged here"):
        check(counter.usage >= nr_pages, "counter-underflow", "page_counter underflow")
        counter.usage -= nr_pages


def page_counter_nr_charge(counter: PageCounterNr, nr_pages: int) -> None:
    """Charge a counter and all above it."""
    c = counter
    while c is not None:
        with atomic("charged"):
            c.usage += nr_pages
            c = c.parent


def page_counter_nr_uncharge(counter: PageCounterNr, nr_pages: int) -> None:
    """Uncharge a counter and all above it."""
    c = counter
    while c is not None:
        with atomic("uncharged"):
            page_counter_nr_cancel(c, nr_pages)
            c = c.parent


def page_counter_nr_try_charge(counter: PageCounterNr, nr_pages: int) -> bool:
    """Charge a counter and all above it unless one is at its limit; tell whether it could."""
    c = counter
    failed = False
    while c is not None and not failed:
        with atomic("charged, unless over the limit"):
            c.usage += nr_pages
            failed = c.limited and c.usage > c.max
            if not failed:
                c = c.parent
    if failed:
        page_counter_nr_cancel(c, nr_pages)
        undone = counter
        while undone != c:
            with atomic("taken back below"):
                page_counter_nr_cancel(undone, nr_pages)
                undone = undone.parent
    return not failed
