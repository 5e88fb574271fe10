"""Reparent a dying memcg's slab caches by swapping one back pointer per cache.

Source: Johannes Weiner, LKML 2014-02-14, "Re: [PATCH -mm v15 00/13] kmemcg shrinkers".

The design. A page of slab is uncharged through the back pointer of its cache
(`s->memcg_params->memcg`), no longer through a pointer of its own. When a memcg dies, css_free()
walks its caches, moves each to the parent's list and points it at the parent: "reassigned with a
single pointer update". A grace period then waits for the frees that still hold the old pointer,
and after it nobody sees the child. A free that came too early uncharges the child and all above
it, a late one the parent and all above it; "we don't care, it's dying anyway".

What is modelled. root > parent > child; the child's caches, with outstanding pages; FREERS racing
frees in each cache, and one page in each that stays allocated, so that the law is not about
nothing. Page sizes are symbols: the law is to hold for all of them. Nobody allocates from a dying
memcg here (for that see reparent_charge), and only css_free() touches the lists of caches, so
that their mutexes are left out.

What carries the weight, and the mutant that shows it:

READ_LOCK=no     The free path loads the back pointer outside a read section. The grace period
                 does not wait for it: it uncharges a freed memcg.
GRACE_PERIOD=no  (d1) css_free() frees the child at once, under the eyes of a free that has loaded
                 the pointer and is about to use it.
HIERARCHY=no     (d10) The child's counter is not linked to the parent's (use_hierarchy=0), but
                 the parent inherits the pages all the same. It was never charged for them, so the
                 first free after the swap brings it below zero. No race is needed. Upstream met
                 this in 5.9: "mm: memcg: link page counters to root if use_hierarchy is false".
LISTED=no        (d8) The caches get the new pointer but stay on no list: the parent's own
                 css_free() would not find them. Its use-after-free is in reparent_hierarchy.

                 predicted                           found
default          holds                               holds
READ_LOCK=no     use-after-free                      use-after-free
GRACE_PERIOD=no  use-after-free                      use-after-free
HIERARCHY=no     counter-underflow                   counter-underflow
LISTED=no        caches_are_listed_by_their_owner    caches_are_listed_by_their_owner
"""

from kmcheck.kernel.page_counter import (
    PageCounter,
    page_counter_charge,
    page_counter_init,
    page_counter_uncharge,
)
from kmcheck.kernel.rcu import (
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
    synchronize_rcu,
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Object,
    Ref,
    SetOf,
    Size,
    alive,
    atomic,
    bound,
    choice,
    closure,
    conserved,
    count,
    finally_,
    process,
    setup,
    start,
    total,
)

CACHES = bound(1, "caches of the dying memcg")
FREERS = bound(2, "kmem_cache_free() calls in each cache, racing with the teardown")
READ_LOCK = choice(True, "the free path loads the back pointer inside an RCU read section")
GRACE_PERIOD = choice(True, "css_free() waits for a grace period between swap and kfree()")
HIERARCHY = choice(True, "the child's counter is linked to the parent's")
LISTED = choice(True, "the parent's list gets the caches that it inherits")


class Memcg(Object):
    parent: Ref["Memcg"]
    kmem: PageCounter
    memcg_slab_caches: SetOf["Cache"]


class Cache(Object):
    memcg: Ref[Memcg]  # memcg_params->memcg


class Page(Object):
    slab_cache: Ref[Cache]
    size: Size


@process
def kmem_cache_free(page: Page) -> None:
    with atomic("the page is this CPU's alone"):
        s = page.slab_cache
        nr_pages = page.size
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    page_counter_uncharge(memcg.kmem, nr_pages)
    if READ_LOCK:
        rcu_read_unlock()
    kfree(page)


@process
def css_free(child: Memcg) -> None:
    parent = child.parent
    for s in child.memcg_slab_caches:
        with atomic("list_move()"):
            child.memcg_slab_caches.remove(s)
            if LISTED:
                parent.memcg_slab_caches.add(s)
        rcu_assign_pointer(s.memcg, parent)
    if GRACE_PERIOD:
        synchronize_rcu()
    kfree(child)


@setup
def hierarchy() -> None:
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    page_counter_init(parent.kmem, root.kmem)
    page_counter_init(child.kmem, parent.kmem if HIERARCHY else None)
    for nr in range(CACHES):
        cache = Cache(memcg=child)
        child.memcg_slab_caches.add(cache)
        kept = Page(slab_cache=cache)
        page_counter_charge(child.kmem, kept.size)
        for _ in range(FREERS):
            page = Page(slab_cache=cache)
            page_counter_charge(child.kmem, page.size)
            start(kmem_cache_free, page)
    start(css_free, child)


@conserved
def charged_where_it_belongs(memcg: Memcg) -> bool:
    """A counter holds the pages whose owner, as the back pointer names it now, charges it."""
    return memcg.kmem.usage == total(
        page.size
        for page in alive(Page)
        if memcg.kmem in closure(page.slab_cache.memcg.kmem, PageCounter.parent)
    )


@finally_
def caches_are_listed_by_their_owner() -> bool:
    return all(cache in cache.memcg.memcg_slab_caches for cache in alive(Cache))


@finally_
def child_is_freed() -> bool:
    return count(memcg for memcg in alive(Memcg)) == 2
