"""A reference count on the cache itself: the cache moves to the parent and dies with its last page.

Source: Roman Gushchin, "mm: memcg/slab: rework non-root kmem_cache lifecycle management"
(f0a3a24b532d) and "mm: memcg/slab: reparent memcg kmem_caches on cgroup removal" (fb2f2b0adb98),
v5.3. mm/slab_common.c, mm/slab.h, mm/memcontrol.c, v5.4.

The design. A get and a put through a pointer that may be swapped in between do not balance. So
pages, and allocations that are on their way, hold references of the cache, and the cache holds one
css reference of the memcg that it points at. Offline deactivates the memcg's caches, clears their
slots, points them at the parent, moves the css references, and moves the list. The deactivation
goes on behind a grace period in a work, which kills the cache's percpu_ref: after one more grace
period the base reference is dropped. The last reference queues the work that ends the cache. There
is no synchronize_rcu(): frees that have loaded the child are covered by the grace period between
its last reference and kfree().

What is modelled. parent > child; one cache of the child; a task that allocates a page from the
slot, charges it, and frees it; the child's whole end. The percpu_ref is a plain count with the
base reference: zero cannot be seen before the switch to atomic mode has dropped it. The charge
gets the memcg by css_tryget(), in a loop; v5.3 climbed instead, and reparent_charge has what is
wrong with that. The end of a root cache is left out. It holds with FREERS=1 as well, in 280,905
states.

READ_LOCK_FREE=no   A free uses a memcg that is freed.
READ_LOCK_ALLOC=no  An allocation uses a cache that is freed.
TRYGET=no           percpu_ref_get() would do: whoever finds the cache in the slot is inside a
                    read section that the kill's grace period waits for, with the base reference.
HOLD=no             An allocation on its way has no reference, as in "memcg: fix possible
                    use-after-free in memcg_kmem_get_cache()" (v3.19).
PAGE_REF=no         The cache does not wait for its pages.
CLEAR_SLOT=no       The slot leads to a freed cache.
KILL_GP=no          The base reference is dropped while an allocation is between slot and tryget.
DEACTIVATE_GP=no    Redundant here: the grace period is there for frees that have not seen
                    cpu_partial = 0 yet, and SLUB's lists are not modelled. What the slot needs is
                    done by the other one, because of the next.
WORK_MUTEX=no       The work does not take slab_mutex. Nothing else keeps the kill behind the
                    clearing of the slot.
PIN_PARENT=no       The cache drops a reference of the parent that nobody took.
DEFER=no            The last put, in softirq or in a read section, takes slab_mutex.
UNLINK_MUTEX=no     Redundant with one cache: the work's slab_mutex has put the end of the cache
                    behind the splice. Two caches on one list would need it.

                    predicted        found
default             holds            holds
READ_LOCK_FREE=no   use-after-free   use-after-free
READ_LOCK_ALLOC=no  use-after-free   use-after-free
TRYGET=no           ref-resurrect    holds
HOLD=no             use-after-free   ref-resurrect first, use-after-free too
PAGE_REF=no         use-after-free   use-after-free
CLEAR_SLOT=no       use-after-free   use-after-free
KILL_GP=no          use-after-free   use-after-free
DEACTIVATE_GP=no    holds            holds
WORK_MUTEX=no       use-after-free   use-after-free
PIN_PARENT=no       ref-underflow    no_reference_is_lost: the parent is freed while online
DEFER=no            sleep-in-atomic  sleep-in-atomic
UNLINK_MUTEX=no     list-corruption  holds
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_put,
    css_tryget,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.page_counter import (
    PageCounter,
    page_counter_charge,
    page_counter_init,
    page_counter_uncharge,
)
from kmcheck.kernel.rcu import (
    RcuHead,
    call_rcu,
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc,
    refcount_inc_not_zero,
    refcount_set,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
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
    container_of,
    count,
    finally_,
    is_alive,
    process,
    setup,
    start,
    total,
)

FREERS = bound(0, "further pages of the cache that are being freed")
STRAGGLERS = bound(1, "tasks that still allocate from the child's cache")
READ_LOCK_FREE = choice(True, "a free looks its memcg up in an RCU read section")
READ_LOCK_ALLOC = choice(True, "an allocation looks its cache up in an RCU read section")
TRYGET = choice(True, "an allocation takes its reference by percpu_ref_tryget()")
HOLD = choice(True, "an allocation holds a reference of the cache while it is on its way")
PAGE_REF = choice(True, "a page holds a reference of its cache")
CLEAR_SLOT = choice(True, "offline clears the slot of the memcg's id in memcg_caches[]")
KILL_GP = choice(True, "the base reference is dropped a grace period after the kill")
DEACTIVATE_GP = choice(True, "a grace period passes before the work that kills the cache")
WORK_MUTEX = choice(True, "the work that kills the cache takes slab_mutex")
PIN_PARENT = choice(True, "the cache's css reference is taken of the parent, too")
DEFER = choice(True, "the end of a cache is a work, and not done by the last put")
UNLINK_MUTEX = choice(True, "the cache is taken off its list under slab_mutex")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmem: PageCounter
    kmem_caches: SetOf["KmemCache"]


class KmemCache(Object):
    memcg: Ref[Memcg]
    refcnt: Refcount
    rcu_head: RcuHead  # of the deactivation
    ref_rcu: RcuHead  # percpu_ref_kill()'s
    work: Work


class Page(Object, limit=FREERS + STRAGGLERS):
    slab_cache: Ref[KmemCache]
    size: Size


class RootCache(Object):
    slot: Ref[KmemCache]  # memcg_params.memcg_caches[id of the child]
    parent: Ref[Memcg]  # for the properties


root_cache = RootCache()
slab_mutex = Mutex()


# --- the life of a cache


def kmemcg_cache_shutdown_fn(work: Work) -> None:
    s = container_of(work, KmemCache, KmemCache.work)
    if UNLINK_MUTEX:
        mutex_lock(slab_mutex)
    memcg = s.memcg
    memcg.kmem_caches.remove(s)
    if UNLINK_MUTEX:
        mutex_unlock(slab_mutex)
    css_put(memcg.css)
    kfree(s)


def kmem_cache_put(s: KmemCache) -> None:
    last = refcount_dec_and_test(s.refcnt)
    if last:
        if DEFER:
            INIT_WORK(s.work, kmemcg_cache_shutdown_fn)
            schedule_work(s.work)
        else:
            kmemcg_cache_shutdown_fn(s.work)


def percpu_ref_switch_to_atomic_rcu(head: RcuHead) -> None:
    kmem_cache_put(container_of(head, KmemCache, KmemCache.ref_rcu))


def kmemcg_cache_deactivate_after_rcu(work: Work) -> None:
    s = container_of(work, KmemCache, KmemCache.work)
    if WORK_MUTEX:
        mutex_lock(slab_mutex)
    if KILL_GP:
        call_rcu(s.ref_rcu, percpu_ref_switch_to_atomic_rcu)
    else:
        kmem_cache_put(s)
    if WORK_MUTEX:
        mutex_unlock(slab_mutex)


def kmemcg_rcufn(head: RcuHead) -> None:
    s = container_of(head, KmemCache, KmemCache.rcu_head)
    schedule_work(s.work)


def kmemcg_cache_deactivate(s: KmemCache) -> None:
    INIT_WORK(s.work, kmemcg_cache_deactivate_after_rcu)
    if DEACTIVATE_GP:
        call_rcu(s.rcu_head, kmemcg_rcufn)
    else:
        schedule_work(s.work)


# --- allocate, free


def memcg_kmem_get_cache() -> KmemCache | None:
    if READ_LOCK_ALLOC:
        rcu_read_lock()
    s = rcu_dereference(root_cache.slot)
    got = s is not None
    if s is not None and HOLD:
        if TRYGET:
            got = refcount_inc_not_zero(s.refcnt)
        else:
            refcount_inc(s.refcnt)
    if READ_LOCK_ALLOC:
        rcu_read_unlock()
    return s if got else None


def memcg_charge_slab(s: KmemCache, nr_pages: Size) -> None:
    rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    while not css_tryget(memcg.css):
        memcg = rcu_dereference(s.memcg)
    rcu_read_unlock()
    page_counter_charge(memcg.kmem, nr_pages)
    if PAGE_REF:
        refcount_inc(s.refcnt)
    css_put(memcg.css)


def free_slab(page: Page) -> None:
    with atomic("the page is this CPU's alone"):
        s = page.slab_cache
        nr_pages = page.size
    if READ_LOCK_FREE:
        rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    page_counter_uncharge(memcg.kmem, nr_pages)
    if READ_LOCK_FREE:
        rcu_read_unlock()
    kfree(page)
    if PAGE_REF:
        kmem_cache_put(s)


@process
def kmem_cache_free(page: Page) -> None:
    free_slab(page)


@process
def kmem_cache_alloc() -> None:
    s = memcg_kmem_get_cache()
    if s is not None:
        with atomic("alloc_pages()"):
            page = Page(slab_cache=s)
            nr_pages = page.size
        memcg_charge_slab(s, nr_pages)
        if HOLD:
            kmem_cache_put(s)
        free_slab(page)


# --- rmdir


def memcg_deactivate_kmem_caches(memcg: Memcg, parent: Memcg) -> None:
    mutex_lock(slab_mutex)
    s = root_cache.slot
    kmemcg_cache_deactivate(s)
    if CLEAR_SLOT:
        root_cache.slot = None
    for s in memcg.kmem_caches:
        rcu_assign_pointer(s.memcg, parent)
        css_put(memcg.css)
        with atomic("list_splice()"):
            memcg.kmem_caches.remove(s)
            parent.kmem_caches.add(s)
        if PIN_PARENT:
            css_get(parent.css)
    mutex_unlock(slab_mutex)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    memcg_deactivate_kmem_caches(memcg, memcg.parent)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def dying_child() -> None:
    lockdep_init()
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(parent.css, root.css, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(child.kmem, parent.kmem)
    s = KmemCache(memcg=child)
    child.kmem_caches.add(s)
    css_get(child.css)
    root_cache.slot = s
    root_cache.parent = parent
    refcount_set(s.refcnt, 1 + FREERS if PAGE_REF else 1)
    for _ in range(FREERS):
        page = Page(slab_cache=s)
        page_counter_charge(child.kmem, page.size)
        start(kmem_cache_free, page)
    for _ in range(STRAGGLERS):
        start(kmem_cache_alloc)
    start(rmdir, child)


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
def cache_and_child_are_freed() -> bool:
    return count(s for s in alive(KmemCache)) == 0 and all(m.css.online for m in alive(Memcg))


@finally_
def no_reference_is_lost() -> bool:
    """Only the base reference is left of the parent's."""
    return is_alive(root_cache.parent) and root_cache.parent.css.refcnt.refs == 1
