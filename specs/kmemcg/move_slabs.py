"""Move a dying memcg's slabs to the parent's cache, while objects in them are being freed.

Source: Vladimir Davydov, LKML 2014-02-14, "Re: [PATCH -mm v15 00/13] kmemcg shrinkers": "I don't
think this is feasible, because slub free's fast path is lockless, so AFAIU we can't remove a
partial slab from a cache w/o risking to race with kmem_cache_free". The free path is that of
mm/slub.c, v5.4; a repair was never posted, this one is ours.

The design. At offline every slab of the memcg's cache is taken off the cache's lists, pointed at
the parent's cache (`page->slab_cache`), and put on that one's lists; then the memcg's cache is
destroyed. A free loads the cache from the page first. Then it changes the slab's free list and
counters with one cmpxchg, and only if that fills or empties a list does it take the list_lock, of
the node of the cache that it has loaded. What stands in the way: a free that has loaded the old
cache takes the wrong lock, and uses a destroyed cache; a frozen slab (the CPU's own, or on its
partial list) and a full one are on no list, so that the mover does not find them.

The repair has four parts, and each is needed. CPU slabs are flushed. Full slabs are on a list, as
with SLUB_DEBUG, and so CPU partial lists are off. Each slab is frozen, with a cmpxchg and under
the old list_lock, before it is pointed at the parent's cache, and stays so: who frees to a frozen
slab leaves the lists alone. Before it is thawed onto the parent's list, a grace period waits for
all frees that have loaded the old cache.

What is modelled. One slab of the child's cache, in one of its states: partial, full, or the CPU
slab of the CPU on which the first free runs; objects in it that are being freed, and none or one
that stays; the mover. The slab's free list is a number; tid is left out (a slab becomes a CPU
slab only once). Nobody allocates. min_partial is 0, as it is for the caches of a dead memcg.
kmem_cache_destroy() fails where a partial slab is left.

FLUSH=no         The CPU slab stays behind, and the cache cannot be destroyed.
FREEZE=no        A free finds its slab on the parent's list, or on none, and takes it off under
                 the lock of the child's.
FULL_LIST=no     A full slab stays behind and points at a freed cache.
GRACE_PERIOD=no  A free has loaded the old cache, and finds the slab thawed, on the parent's list,
                 or the cache freed.
READ_LOCK=no     The same: the grace period does not know of the free.
all of them      Vladimir's objection.

                 predicted                        found
default          holds                            holds
FLUSH=no         use-after-free                   cache-busy: kmem_cache_destroy() flushes as well
FREEZE=no        list-corruption                  list-corruption
FULL_LIST=no     use-after-free                   use-after-free
GRACE_PERIOD=no  use-after-free                   list-corruption first, use-after-free too
READ_LOCK=no     use-after-free                   list-corruption first, use-after-free too
all of them      list-corruption, use-after-free  both

That GRACE_PERIOD=no corrupts a list first is an ABA: the counters that the free has loaded, not
frozen, are there again once the slab is thawed, and its cmpxchg succeeds under the wrong lock.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock, synchronize_rcu
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_is_mine, spin_lock, spin_unlock
from kmcheck.lang import (
    Annotated,
    Enum,
    Object,
    Ref,
    SetOf,
    atomic,
    auto,
    bound,
    check,
    choice,
    choose,
    finally_,
    process,
    setup,
    start,
)

FREERS = bound(2, "objects of the slab that are being freed, each on a CPU of its own")
FLUSH = choice(True, "CPU slabs are flushed first")
FREEZE = choice(True, "a slab is frozen before it is moved, and thawed on the parent's list")
FULL_LIST = choice(True, "full slabs are on a list, and there are no CPU partial lists")
GRACE_PERIOD = choice(True, "a grace period passes before a moved slab is thawed")
READ_LOCK = choice(True, "the free path is an RCU read section")

Objects = Annotated[int, range(FREERS + 3)]
NrPartial = Annotated[int, range(-2, 3)]


class Kind(Enum):
    PARTIAL = auto()
    FULL = auto()
    CPU = auto()


class KmemCacheNode(Object):
    list_lock: SpinLock
    partial: SetOf["Page"]
    full: SetOf["Page"]
    nr_partial: NrPartial


class KmemCacheCpu(Object):
    page: Ref["Page"]
    freelist: Objects  # objects that were freed by the fast path
    partial: SetOf["Page"]


class KmemCache(Object):
    cpu_slab: KmemCacheCpu  # of one CPU
    node: KmemCacheNode


class Page(Object):
    slab_cache: Ref[KmemCache]
    objects: Objects
    inuse: Objects  # all of them: the slab is full, page->freelist is NULL
    frozen: bool
    lru: Ref[KmemCacheNode]  # the node on one of whose lists it is


class Mover(Object):
    moved: SetOf[Page]  # a list_head on the mover's stack


mover = Mover()


# --- lists


def add_partial(n: KmemCacheNode, page: Page) -> None:
    with atomic("list_add(&page->lru, &n->partial), n->nr_partial++"):
        n.partial.add(page)
        page.lru = n
        n.nr_partial += 1


def add_full(n: KmemCacheNode, page: Page) -> None:
    if FULL_LIST:
        with atomic("list_add(&page->lru, &n->full)"):
            n.full.add(page)
            page.lru = n


def list_del(page: Page) -> None:
    """Unlink a slab from the list that it is on, whichever that is."""
    check(page.lru is not None, "list-corruption", "list_del() of a slab that is on no list")
    check(
        spin_is_mine(page.lru.list_lock),
        "list-corruption",
        "list_del() from a node's list without that node's list_lock",
    )
    page.lru.partial.discard(page)
    page.lru.full.discard(page)
    page.lru = None


def remove_partial(n: KmemCacheNode, page: Page) -> None:
    with atomic("list_del(&page->lru), n->nr_partial--"):
        list_del(page)
        n.nr_partial -= 1


def remove_full(page: Page) -> None:
    if FULL_LIST:
        with atomic("list_del(&page->lru)"):
            list_del(page)


# --- free


def discard_slab(page: Page) -> None:
    kfree(page)


def put_cpu_partial(s: KmemCache, page: Page) -> None:
    s.cpu_slab.partial.add(page)


def __slab_free(s: KmemCache, page: Page) -> None:
    locked = False
    done = False
    inuse = 0
    was_full = False
    was_frozen = False
    frozen = False
    while not done:
        if locked:
            spin_unlock(s.node.list_lock)
            locked = False
        with atomic("prior = page->freelist; counters = page->counters"):
            inuse = page.inuse - 1
            was_full = page.inuse == page.objects
            was_frozen = page.frozen
        frozen = was_frozen
        if (inuse == 0 or was_full) and not was_frozen:
            if not FULL_LIST and was_full:
                frozen = True
            else:
                spin_lock(s.node.list_lock)
                locked = True
        with atomic("cmpxchg_double_slab()"):
            done = page.inuse == inuse + 1 and page.frozen == was_frozen
            if done:
                page.inuse = inuse
                page.frozen = frozen
    if not locked:
        if not FULL_LIST and frozen and not was_frozen:
            put_cpu_partial(s, page)
    elif inuse > 0:
        remove_full(page)
        add_partial(s.node, page)
        spin_unlock(s.node.list_lock)
    else:
        remove_partial(s.node, page)
        spin_unlock(s.node.list_lock)
        discard_slab(page)


@process
def kmem_cache_free(page: Page, on_its_cpu: bool) -> None:
    if READ_LOCK:
        rcu_read_lock()
    s = page.slab_cache
    fast = False
    if on_its_cpu and s.cpu_slab.page == page:
        with atomic("this_cpu_cmpxchg_double(freelist, tid)"):
            fast = s.cpu_slab.page == page
            if fast:
                s.cpu_slab.freelist += 1
    if not fast:
        __slab_free(s, page)
    if READ_LOCK:
        rcu_read_unlock()


# --- move


def put_on_list(n: KmemCacheNode, page: Page, freed: int) -> None:
    """Thaw a slab onto the list where it belongs: deactivate_slab()."""
    spin_lock(n.list_lock)
    with atomic("cmpxchg_double_slab(), tried until it succeeds"):
        page.inuse -= freed
        page.frozen = False
        inuse = page.inuse
        full = inuse == page.objects
    if full:
        add_full(n, page)
    elif inuse > 0:
        add_partial(n, page)
    spin_unlock(n.list_lock)
    if inuse == 0:
        discard_slab(page)


def flush_all(s: KmemCache) -> None:
    with atomic("interrupts that CPU: flush_slab()"):
        page = s.cpu_slab.page
        freed = s.cpu_slab.freelist
        s.cpu_slab.page = None
        s.cpu_slab.freelist = 0
    if page is not None:
        put_on_list(s.node, page, freed)
    if not FULL_LIST:
        for frozen in s.cpu_slab.partial:
            s.cpu_slab.partial.remove(frozen)
            put_on_list(s.node, frozen, 0)


def kmem_cache_destroy(s: KmemCache) -> None:
    flush_all(s)
    check(s.node.nr_partial == 0, "cache-busy", "kmem_cache_destroy: still has objects")
    kfree(s)


def take_off_list(n: KmemCacheNode, page: Page, parent: KmemCache) -> None:
    """Take a slab off the child's list, under its list_lock."""
    if FREEZE:
        with atomic("cmpxchg_double_slab(), tried until it succeeds"):
            page.frozen = True
    with atomic("list_move(&page->lru, &moved)"):
        if page in n.partial:
            n.nr_partial -= 1
        list_del(page)
        mover.moved.add(page)
    page.slab_cache = parent


@process
def move_slabs(s: KmemCache, parent: KmemCache) -> None:
    if FLUSH:
        flush_all(s)
    spin_lock(s.node.list_lock)
    for page in s.node.partial:
        take_off_list(s.node, page, parent)
    if FULL_LIST:
        for page in s.node.full:
            take_off_list(s.node, page, parent)
    spin_unlock(s.node.list_lock)
    if GRACE_PERIOD:
        synchronize_rcu()
    for page in mover.moved:
        mover.moved.remove(page)
        put_on_list(parent.node, page, 0)
    kmem_cache_destroy(s)


# --- who runs


@setup
def one_slab() -> None:
    lockdep_init()
    parent = KmemCache()
    s = KmemCache()
    page = Page(slab_cache=s)
    page.inuse = choose(FREERS, FREERS + 1)  # one object may stay
    kind = choose(Kind.PARTIAL, Kind.FULL, Kind.CPU)
    page.objects = page.inuse
    if kind == Kind.PARTIAL:
        page.objects += 1
        add_partial(s.node, page)
    elif kind == Kind.FULL:
        add_full(s.node, page)
    else:
        page.frozen = True
        s.cpu_slab.page = page
    for cpu in range(FREERS):
        start(kmem_cache_free, page, cpu == 0)
    start(move_slabs, s, parent)


@finally_
def slabs_are_on_the_list_of_their_cache(page: Page) -> bool:
    n = page.slab_cache.node
    return not page.frozen and page in (n.full if page.inuse == page.objects else n.partial)


@finally_
def nr_partial_is_the_length(s: KmemCache) -> bool:
    return s.node.nr_partial == len(s.node.partial)
