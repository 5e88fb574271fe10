"""Caches of a dead memcg dangle until memory is short: a DEAD flag, a list, and vmpressure.

Source: Vladimir Davydov, LKML 2014-02-05, "[PATCH -mm v15 00/13] kmemcg shrinkers", 11/13 and
13/13, which were not merged; memcg_kmem_mark_dead() and memcg_uncharge_kmem() of mm/memcontrol.c,
v3.14.

The design, the one that the mail of reparent_caches answers. Each cache of a memcg holds a css
reference of it. Pages of kernel memory that are no slab hold none: as long as any of the memcg's
kernel memory is charged, one reference stands for all. Offline takes it, sets DEAD, and drops it
itself if nothing is charged; else whoever uncharges the last page does. DEAD is cleared by whoever
drops, and only one can. Caches are marked dead, shrunk, and destroyed when they have no pages. But
SLUB keeps empty slabs, and frees to them go on; so the memcg goes on the list of dangling ones,
whose caches are shrunk whenever memory is short.

What is modelled. A memcg with a page of kernel memory and a cache with an object, both being freed;
its whole end; memory that is short when all is quiet (AT_LAST), and at any time before (PRESSURE;
with 1 it holds in 44,160 states). What is wrong in it is mended unless a choice says how it was
posted. The drain of the memcg's objects before it goes offline is left out: whether it ends is no
question of safety. So are allocations: they held no reference ("memcg: fix possible use-after-free
in memcg_kmem_get_cache()"). Offline's set_bit(DEAD) and its look at the counter have no barrier
between them; memory is in order here.

DEAD_LAST=no     DEAD is set before the reference is taken: who uncharges drops another one.
CLEAR_ONCE=no    DEAD is tested, then cleared: both drop the reference.
LOOK_AGAIN=no    Offline does not look at the counter: nobody drops.
READ_LOCK=no     As posted, and as in v3.14: who has uncharged the last page looks at DEAD next. By
                 then offline may have seen that nothing is charged, and dropped; the memcg may be
                 freed. It takes a preemptible kernel, since others do not preempt whoever
                 uncharges. No report of it was found. Mended by a read section around both.
OWN_LAST=no      As posted: the work destroys a cache that has no pages, under whoever has just
                 freed the last and queues the work: "memcg: fix race in memcg cache destruction
                 path".
KEEP_MUTEX=no    As posted: list_for_each_entry_safe() with the mutex dropped for the shrink. The
                 cache is destroyed meanwhile, and the saved next one may be.
UNLIST=no        The list of dangling memcgs leads to one that is freed.
AT_LAST=no       Without pressure the memcg is a zombie. This is the objection in the mail.
EMPTY=no         And it would not be, if SLUB kept no empty slabs of dead memcgs: so it does since
                 v4.0 (page_pins_css).

                       predicted         found
default                holds             holds
DEAD_LAST=no           ref-resurrect     ref-resurrect, if there is no cache
CLEAR_ONCE=no          ref-underflow     ref-underflow, if there is no cache
LOOK_AGAIN=no          a zombie          no_memcg_is_a_zombie, if there is no cache
READ_LOCK=no           not asked         use-after-free, if there is no cache
OWN_LAST=no            use-after-free    free-while-pending
OWN_LAST=no, EMPTY=no  use-after-free    use-after-free
KEEP_MUTEX=no          use-after-free    use-after-free
UNLIST=no              use-after-free    free-while-held first, use-after-free too
AT_LAST=no             a zombie          no_memcg_is_a_zombie
AT_LAST=no, EMPTY=no   holds             holds
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_is_zombie,
    css_put,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.refcount import Refcount, refcount_dec_and_test, refcount_read, refcount_set
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Annotated,
    Object,
    Ref,
    SetOf,
    add_return,
    atomic,
    bound,
    choice,
    container_of,
    fetch_add,
    finally_,
    process,
    setup,
    start,
    test_and_clear,
    wait_until,
)

PAGES = bound(1, "pages of kernel memory that are being freed, and are no slab")
OBJECTS = bound(1, "caches, each with one object that is being freed")
PRESSURE = bound(0, "times that memory is short, at any time")
AT_LAST = choice(True, "memory is short once more when all is quiet")
DEAD_LAST = choice(True, "offline takes its reference before it sets DEAD")
CLEAR_ONCE = choice(True, "DEAD is tested and cleared at once")
LOOK_AGAIN = choice(True, "offline drops its reference itself if nothing is charged")
READ_LOCK = choice(True, "an uncharge is an RCU read section")
OWN_LAST = choice(True, "whoever drops a cache's last reference, and nobody else, destroys it")
KEEP_MUTEX = choice(True, "the walk over a memcg's caches holds the mutex while one is shrunk")
UNLIST = choice(True, "css_free() takes the memcg off the list of dangling ones")
EMPTY = choice(True, "SLUB keeps an empty slab")


class Memcg(Object):
    css: Css
    kmem: Annotated[int, range(8)]  # pages
    dead: bool
    slab_caches_mutex: Mutex
    memcg_slab_caches: SetOf["Cache"]


class Cache(Object):
    memcg: Ref[Memcg]
    list_lock: SpinLock
    empty: SetOf["Page"]
    refs: Refcount  # its pages, and one until offline
    nr_pages: Annotated[int, range(8)]
    dead: bool
    destroy_work: Work


class Page(Object):
    memcg: Ref[Memcg]  # its page_cgroup's
    slab_cache: Ref[Cache]


class Kernel(Object):
    dangling: SetOf[Memcg]
    dangling_mutex: Mutex
    busy: Annotated[int, range(8)]  # frees and removals that have not ended


kernel = Kernel()


# --- uncharge


def memcg_put_dead(memcg: Memcg) -> None:
    """Drop the reference that stands for all that is charged, unless somebody else does."""
    if CLEAR_ONCE:
        if test_and_clear(memcg.dead):
            css_put(memcg.css)
    elif memcg.dead:
        memcg.dead = False
        css_put(memcg.css)


def memcg_uncharge_kmem(memcg: Memcg) -> None:
    if READ_LOCK:
        rcu_read_lock()
    left = add_return(memcg.kmem, -1)
    if left == 0:
        memcg_put_dead(memcg)
    if READ_LOCK:
        rcu_read_unlock()


# --- caches


def cache_put(s: Cache) -> None:
    """Drop a page's reference, or the one that offline drops."""
    if OWN_LAST:
        last = refcount_dec_and_test(s.refs)
        if last:
            schedule_work(s.destroy_work)
    else:
        left = add_return(s.nr_pages, -1)
        if left == 0 and s.dead:
            schedule_work(s.destroy_work)


def free_slab(page: Page) -> None:
    memcg = page.memcg
    s = page.slab_cache
    kfree(page)
    memcg_uncharge_kmem(memcg)
    cache_put(s)


def kmem_cache_shrink(s: Cache) -> None:
    spin_lock(s.list_lock)
    with atomic("list_splice()"):
        found = s.empty.copy()
        s.empty.clear()
    spin_unlock(s.list_lock)
    for page in found:
        free_slab(page)


def kmem_cache_destroy(s: Cache) -> None:
    memcg = s.memcg
    mutex_lock(memcg.slab_caches_mutex)
    memcg.memcg_slab_caches.remove(s)
    mutex_unlock(memcg.slab_caches_mutex)
    kfree(s)
    css_put(memcg.css)


def kmem_cache_destroy_work(work: Work) -> None:
    s = container_of(work, Cache, Cache.destroy_work)
    no_pages = refcount_read(s.refs) == 0 if OWN_LAST else s.nr_pages == 0
    if no_pages:
        kmem_cache_destroy(s)
    else:
        kmem_cache_shrink(s)
        if OWN_LAST:
            cache_put(s)


# --- frees


@process
def free_kmem_page(page: Page) -> None:
    memcg = page.memcg
    kfree(page)
    memcg_uncharge_kmem(memcg)
    fetch_add(kernel.busy, -1)


@process
def kmem_cache_free(page: Page, s: Cache) -> None:
    if EMPTY:
        spin_lock(s.list_lock)
        s.empty.add(page)
        spin_unlock(s.list_lock)
    else:
        free_slab(page)
    fetch_add(kernel.busy, -1)


# --- memory is short


def shrink_dangling_caches() -> None:
    mutex_lock(kernel.dangling_mutex)
    for memcg in kernel.dangling:
        mutex_lock(memcg.slab_caches_mutex)
        for s in memcg.memcg_slab_caches:
            if not KEEP_MUTEX:
                mutex_unlock(memcg.slab_caches_mutex)
            kmem_cache_shrink(s)
            if not KEEP_MUTEX:
                mutex_lock(memcg.slab_caches_mutex)
        mutex_unlock(memcg.slab_caches_mutex)
    mutex_unlock(kernel.dangling_mutex)


@process
def vmpressure() -> None:
    shrink_dangling_caches()


@process
def vmpressure_at_last() -> None:
    wait_until(kernel.busy == 0)
    shrink_dangling_caches()


# --- rmdir


def memcg_kmem_mark_dead(memcg: Memcg) -> None:
    if DEAD_LAST:
        css_get(memcg.css)
        memcg.dead = True
    else:
        memcg.dead = True
        css_get(memcg.css)
    if LOOK_AGAIN and memcg.kmem == 0:
        memcg_put_dead(memcg)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    memcg_kmem_mark_dead(memcg)
    mutex_lock(memcg.slab_caches_mutex)
    for s in memcg.memcg_slab_caches:
        s.dead = True
        schedule_work(s.destroy_work)
    mutex_unlock(memcg.slab_caches_mutex)
    mutex_lock(kernel.dangling_mutex)
    kernel.dangling.add(memcg)
    mutex_unlock(kernel.dangling_mutex)
    fetch_add(kernel.busy, -1)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    if UNLIST:
        mutex_lock(kernel.dangling_mutex)
        kernel.dangling.remove(memcg)
        mutex_unlock(kernel.dangling_mutex)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def dying_memcg() -> None:
    lockdep_init()
    root = Memcg()
    memcg = Memcg(kmem=PAGES + OBJECTS)
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(memcg.css, root.css, no_css_released, mem_cgroup_css_free)
    for _ in range(PAGES):
        start(free_kmem_page, Page(memcg=memcg))
    for _ in range(OBJECTS):
        s = Cache(memcg=memcg, nr_pages=1)
        refcount_set(s.refs, 2 if OWN_LAST else 0)
        INIT_WORK(s.destroy_work, kmem_cache_destroy_work)
        memcg.memcg_slab_caches.add(s)
        css_get(memcg.css)
        start(kmem_cache_free, Page(memcg=memcg, slab_cache=s), s)
    kernel.busy = PAGES + OBJECTS + 1
    for _ in range(PRESSURE):
        start(vmpressure)
    if AT_LAST:
        start(vmpressure_at_last)
    start(rmdir, memcg)


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
