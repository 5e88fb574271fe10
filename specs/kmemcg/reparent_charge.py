"""A late charge races with the swap of the cache's back pointer: who may take a reference, and how.

Source: Johannes Weiner, LKML 2014-02-14, "Re: [PATCH -mm v15 00/13] kmemcg shrinkers": "All css
lookups already require RCU"; the lookups as memcg_charge_slab() of v5.4,
get_mem_cgroup_from_objcg() of v5.13 and try_get_memcg() of Vladimir Davydov's "[PATCH -mm 00/12]
kmemcg reparenting" (2014-02-26) do them.

The design. A task that was in the child has chosen the child's cache before it left, and charges
a page of it while the child is being removed. A charge may sleep, so the memcg that it finds
through the back pointer must be held by a css reference beyond the read section. The child goes
through its whole life's end (see kmcheck/kernel/css.py): killed, a grace period, offline, where
the pointer is swapped and the slot of memcg_caches[] is cleared, the last reference dropped, a
grace period, freed. Then its id is given to a new memcg.

What is modelled. root > parent > child, one cache, a task that charges a page, allocates it, and
frees it again; rmdir of the child; a memcg that gets the child's id after it. The law is about
online memcgs: a dying one keeps what was charged to it before the swap and uncharged after it.

LOOKUP=tryget         Load the pointer, css_tryget(), and load again if that fails. It fails only
                      once the last reference is gone, which is after the swap: the loop ends.
LOOKUP=climb          (v5.3 to v5.8) css_tryget_online() on the child, else on its parent: see
                      below.
LOOKUP=get            (d5) css_get() where css_tryget() is due: from 0 to 1 on a memcg that is on
                      its way to be freed. In 5.9 as eefbfa7fd678 "mm: memcg/slab: fix use after
                      free in obj_cgroup_charge", twice more since.
LOOKUP=tryget_online  (d6) Load and css_tryget_online() until that succeeds, in one read section.
                      For a killed child it succeeds only after the swap; the swap waits for the
                      grace period of the kill; that waits for this reader. Seen in 5.4 as a hang
                      in get_mem_cgroup_from_mm(). try_get_memcg() of 2014-02-26 has it too, for
                      the css_tryget() of its day failed from the kill on. The loop is modelled as
                      a wait, so that the livelock shows as a deadlock.
PUT_WHAT_WAS_GOT=no   (d2) css_put() goes to the memcg that the back pointer names by then, as
                      v4.19 did in memcg_kmem_put_cache(). After a swap the put hits the parent:
                      the child is a zombie that nothing frees, and the parent has one reference
                      less than it has users.
CLEAR_SLOT=no         (d11) Offline leaves the cache in memcg_caches[]: the next owner of the id
                      finds the cache of a dead memcg there (VM_BUG_ON() in
                      memcg_register_cache()), and would charge its objects to the parent.

                      predicted          found
default               holds              holds
LOOKUP=climb          holds              counter-underflow
LOOKUP=get            ref-resurrect      ref-resurrect
LOOKUP=tryget_online  deadlock           deadlock
PUT_WHAT_WAS_GOT=no   zombie             no_memcg_is_a_zombie
CLEAR_SLOT=no         stale-index        stale-index

LOOKUP=climb is memcg_charge_slab() of mm/slab.h in v5.3 to v5.8, against memcg_uncharge_slab(),
which does not climb. From the moment the child is killed until its offline swaps the pointer, a
grace period later, a new page is charged to the parent and all above it while its cache still
names the child. If the page is freed before the swap, the child and all above it are uncharged:
the parent is right in the end, but the child was never charged. Its counter drops below zero if
it holds nothing else, where page_counter_cancel() warns. A task that has moved out of the child
between memcg_kmem_get_cache() and the charge can do it, or one that allocates on behalf of the
child (memalloc_use_memcg()). Read in the source of v5.4; no report of the warning was found. The
changelog of fb2f2b0adb98 knows the race and dismisses it ("we don't care anymore about the child
usage"), since it thinks of a child that is offline already.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_is_zombie,
    css_put,
    css_tryget,
    css_tryget_online,
    init_and_link_css,
    no_css_released,
)
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
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Enum,
    Object,
    Ref,
    Size,
    alive,
    atomic,
    auto,
    bound,
    check,
    choice,
    closure,
    conserved,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
    total,
    wait_until,
)


class Lookup(Enum):
    TRYGET = auto()
    CLIMB = auto()
    GET = auto()
    TRYGET_ONLINE = auto()


STRAGGLERS = bound(1, "tasks that still allocate from the child's cache")
LOOKUP = choice(Lookup.TRYGET, "how a charge gets hold of the memcg that the cache belongs to")
PUT_WHAT_WAS_GOT = choice(True, "css_put() on the memcg that was got, not on s->memcg loaded again")
CLEAR_SLOT = choice(True, "offline clears the slot of the memcg's id in memcg_caches[]")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmem: PageCounter


class Cache(Object):
    memcg: Ref[Memcg]


class Page(Object, limit=STRAGGLERS):
    slab_cache: Ref[Cache]
    size: Size


class RootCache(Object):
    slot: Ref[Cache]  # memcg_params->memcg_caches[id of the child]
    id_is_taken: bool


root_cache = RootCache()


def get_memcg_of(s: Cache) -> Memcg:
    """Return the memcg that the cache belongs to, with a reference on it."""
    rcu_read_lock()
    if LOOKUP == Lookup.TRYGET:
        memcg = rcu_dereference(s.memcg)
        got = css_tryget(memcg.css)
        while not got:
            memcg = rcu_dereference(s.memcg)
            got = css_tryget(memcg.css)
    elif LOOKUP == Lookup.CLIMB:
        memcg = rcu_dereference(s.memcg)
        got = css_tryget_online(memcg.css)
        while not got:
            memcg = memcg.parent
            got = css_tryget_online(memcg.css)
    elif LOOKUP == Lookup.GET:
        memcg = rcu_dereference(s.memcg)
        css_get(memcg.css)
    else:
        with atomic("while (!css_tryget_online()) has come to its end"):
            wait_until(not s.memcg.css.dying)
            memcg = rcu_dereference(s.memcg)
            css_get(memcg.css)
    rcu_read_unlock()
    return memcg


@process
def straggler(s: Cache) -> None:
    memcg = get_memcg_of(s)
    with atomic("alloc_pages()"):
        page = Page(slab_cache=s)
        nr_pages = page.size
    page_counter_charge(memcg.kmem, nr_pages)
    if PUT_WHAT_WAS_GOT:
        css_put(memcg.css)
    else:
        now = rcu_dereference(s.memcg)
        css_put(now.css)
    # kmem_cache_free()
    rcu_read_lock()
    owner = rcu_dereference(s.memcg)
    page_counter_uncharge(owner.kmem, nr_pages)
    rcu_read_unlock()
    kfree(page)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    with atomic("the child's cache"):
        s = root_cache.slot
        parent = memcg.parent
    if CLEAR_SLOT:
        root_cache.slot = None
    rcu_assign_pointer(s.memcg, parent)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    with atomic("ida_simple_remove(), kfree()"):
        root_cache.id_is_taken = False
        kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@process(daemon=True)
def memcg_register_cache() -> None:
    with atomic("a new memcg gets the child's id"):
        wait_until(not root_cache.id_is_taken)
        root_cache.id_is_taken = True
        check(
            root_cache.slot is None,
            "stale-index",
            "memcg_caches[] of a new memcg holds the cache of the one that had its id before",
        )


@setup
def dying_child() -> None:
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(parent.css, root.css, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(parent.kmem, root.kmem)
    page_counter_init(child.kmem, parent.kmem)
    cache = Cache(memcg=child)
    root_cache.slot = cache
    root_cache.id_is_taken = True
    for _ in range(STRAGGLERS):
        start(straggler, cache)
    start(rmdir, child)
    start(memcg_register_cache)


@conserved
def charged_where_it_belongs(memcg: Memcg) -> bool:
    """An online memcg's counter holds the pages whose owner, by the back pointer, charges it."""
    if not memcg.css.online:
        return True
    return memcg.kmem.usage == total(
        page.size
        for page in alive(Page)
        if memcg.kmem in closure(page.slab_cache.memcg.kmem, PageCounter.parent)
    )


@finally_
def caches_belong_to_an_online_memcg() -> bool:
    return all(cache.memcg.css.online for cache in alive(Cache))


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)


@finally_
def no_reference_is_lost(memcg: Memcg) -> bool:
    """Only the base reference and those of its children are left of an online memcg's."""
    if memcg.css.parent is None:
        return True
    return memcg.css.refcnt.refs == 1 + count(c for c in alive(Memcg) if c.parent == memcg)
