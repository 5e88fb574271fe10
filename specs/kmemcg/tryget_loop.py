"""The posted form of the mail's design: every charge and uncharge tries for the cache's memcg.

Bug: B45.

Source: Vladimir Davydov, LKML 2014-02-26, "[PATCH -mm 00/12] kmemcg reparenting", 11/12, which was
never merged; css_tryget() and cgroup_destroy_locked() of its day, v3.14.

Kernel: none: posted for v3.14 and never merged.

The design. The cache holds no css reference. try_get_memcg() loads the cache's back pointer in a
read section and tries css_tryget() until that succeeds. Offline takes the slab_caches_mutex of the
parent and of the child, moves each cache to the parent's list and points it at the parent (at NULL
where that is the root), clears its slot, and has a work drop the cache's base reference. Pages hold
the others. The last one has a work take the cache off the list of its memcg: got by
try_get_memcg(), locked, and looked at again, since offline may have moved the cache meanwhile.

Modelled: root > parent > child; one cache of the child; a task that charges a page to it
and frees it; the child's whole end, and with REMOVED=2 the parent's. In v3.14 css_tryget() failed
from the kill on, as css_tryget_online() does today. smp_wmb() is nothing here.

Breaks: whoever comes between the kill and the grace period of it spins in its read section until
offline swaps the pointer; offline waits for that grace period; that waits for the read section
(where rcu_read_lock() turns preemption off, or in softirq: the grace period is one of RCU-sched).
Safety is not hurt by it: as posted, the spec has a livelock. LOOP=wait has the loop as a wait: then
nobody can go on, which is a deadlock.

Fix: LOOP=tryget. Today's css_tryget() fails only after the last reference is gone.

Finding: nobody wrote so on the list, as far as is known.

LOOP=wait        The hang.
LOOP=tryget      Today's css_tryget() fails only after the last reference is gone, which is after
                 the swap: no hang.
TRYGET=no        css_get() from 0 to 1.
READ_LOCK=no     The memcg that was loaded is freed before css_tryget().
PAGE_REF=no      The cache does not wait for its page.
RECHECK=no       The cache is taken off the list that it was on.
MUTEX=no         The same: it is moved between the look and the removal.
PARENT_LAST=no   So it was in v3.14: the parent may go offline before its child, which then points
                 the cache at a memcg that nothing moves it away from again, and that goes.

                 predicted        found
default          livelock         livelock
LOOP=wait        deadlock         deadlock
LOOP=tryget      holds            holds
TRYGET=no        ref-resurrect    ref-resurrect
READ_LOCK=no     use-after-free   use-after-free
PAGE_REF=no      use-after-free   use-after-free
RECHECK=no       list-corruption  list-corruption
MUTEX=no         list-corruption  list-corruption
PARENT_LAST=no   use-after-free   use-after-free
"""

from kmcheck.kernel.css import (
    Css,
    css_confirm_kill,
    css_get,
    css_killed_work_fn,
    css_put,
    css_tryget,
    css_tryget_online,
    css_wait_for_children,
    init_and_link_css,
    kill_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import SINGLE_DEPTH_NESTING, lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_lock_nested, mutex_unlock
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
from kmcheck.kernel.refcount import Refcount, refcount_dec_and_test, refcount_set
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Enum,
    Object,
    Ref,
    SetOf,
    Size,
    alive,
    atomic,
    auto,
    bound,
    choice,
    closure,
    conserved,
    container_of,
    count,
    eventually,
    finally_,
    is_alive,
    process,
    setup,
    start,
    total,
    wait_until,
)


class Loop(Enum):
    SPIN = auto()
    WAIT = auto()
    TRYGET = auto()


REMOVED = bound(1, "memcgs that are removed: the child, then the parent")
TASKS = bound(1, "tasks that charge a page to the child's cache, and free it")
LOOP = choice(Loop.SPIN, "how try_get_memcg() tries again")
TRYGET = choice(True, "try_get_memcg() tries, and does not simply take a reference")
READ_LOCK = choice(True, "try_get_memcg() is an RCU read section")
PAGE_REF = choice(True, "a page holds a reference of its cache")
RECHECK = choice(True, "the end of a cache looks at its memcg again, under the mutex")
MUTEX = choice(True, "the end of a cache takes the memcg's slab_caches_mutex")
PARENT_LAST = choice(True, "a memcg goes offline only after its children have")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmem: PageCounter
    slab_caches_mutex: Mutex
    memcg_slab_caches: SetOf["Cache"]


class Cache(Object):
    memcg: Ref[Memcg]
    refcount: Refcount
    destroy: Work


class Page(Object, limit=TASKS):
    slab_cache: Ref[Cache]
    size: Size


class RootCache(Object):
    slot: Ref[Cache]  # memcg_params->memcg_caches[id of the child]


root_cache = RootCache()


def css_tryget_of_2014(css: Css) -> bool:
    return css_tryget(css) if LOOP == Loop.TRYGET else css_tryget_online(css)


def try_get_memcg(s: Cache) -> Memcg | None:
    if READ_LOCK:
        rcu_read_lock()
    if LOOP == Loop.WAIT:
        with atomic("while (!css_tryget()) has come to its end"):
            wait_until(s.memcg is None or not s.memcg.css.dying)
            memcg = rcu_dereference(s.memcg)
            if memcg is not None:
                css_get(memcg.css)
    else:
        memcg = rcu_dereference(s.memcg)
        if TRYGET:
            while memcg is not None and not css_tryget_of_2014(memcg.css):
                memcg = rcu_dereference(s.memcg)
        elif memcg is not None:
            css_get(memcg.css)
    if READ_LOCK:
        rcu_read_unlock()
    return memcg


# --- the end of a cache


def memcg_unregister_cache(s: Cache) -> None:
    done = False
    while not done:
        memcg = try_get_memcg(s)
        if memcg is None:
            return  # on no list
        if MUTEX:
            mutex_lock(memcg.slab_caches_mutex)
        done = not RECHECK or s.memcg == memcg
        if done:
            memcg.memcg_slab_caches.remove(s)
        if MUTEX:
            mutex_unlock(memcg.slab_caches_mutex)
        css_put(memcg.css)


def kmem_cache_destroy_work(work: Work) -> None:
    s = container_of(work, Cache, Cache.destroy)
    memcg_unregister_cache(s)
    kfree(s)


def cache_put(s: Cache) -> None:
    last = refcount_dec_and_test(s.refcount)
    if last:
        INIT_WORK(s.destroy, kmem_cache_destroy_work)
        schedule_work(s.destroy)


def memcg_cache_shrink_work(work: Work) -> None:
    cache_put(container_of(work, Cache, Cache.destroy))


# --- charge, uncharge


@process
def kmem_cache_alloc_and_free(s: Cache) -> None:
    with atomic("alloc_pages()"):
        page = Page(slab_cache=s)
        nr_pages = page.size
    memcg = try_get_memcg(s)
    if memcg is not None:
        page_counter_charge(memcg.kmem, nr_pages)
        css_put(memcg.css)
    memcg = try_get_memcg(s)
    if memcg is not None:
        page_counter_uncharge(memcg.kmem, nr_pages)
        css_put(memcg.css)
    kfree(page)
    if PAGE_REF:
        cache_put(s)


# --- rmdir


def memcg_reparent_cache(s: Cache, memcg: Memcg, parent: Memcg) -> None:
    to_root = parent.parent is None
    with atomic("list_move()"):
        memcg.memcg_slab_caches.remove(s)
        if not to_root:
            parent.memcg_slab_caches.add(s)
    if to_root:
        rcu_assign_pointer(s.memcg, None)
    else:
        rcu_assign_pointer(s.memcg, parent)
    if root_cache.slot == s:
        root_cache.slot = None
        INIT_WORK(s.destroy, memcg_cache_shrink_work)
        schedule_work(s.destroy)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    parent = memcg.parent
    mutex_lock(parent.slab_caches_mutex)
    mutex_lock_nested(memcg.slab_caches_mutex, SINGLE_DEPTH_NESTING)
    for s in memcg.memcg_slab_caches:
        memcg_reparent_cache(s, memcg, parent)
    mutex_unlock(memcg.slab_caches_mutex)
    mutex_unlock(parent.slab_caches_mutex)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    kill_css(memcg.css)
    css_confirm_kill(memcg.css)
    if PARENT_LAST:
        css_wait_for_children(memcg.css)
    css_killed_work_fn(memcg.css, mem_cgroup_css_offline)


@setup
def hierarchy() -> None:
    lockdep_init()
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(parent.css, root.css, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(child.kmem, parent.kmem)
    s = Cache(memcg=child)
    child.memcg_slab_caches.add(s)
    root_cache.slot = s
    refcount_set(s.refcount, 1 + TASKS if PAGE_REF else 1)
    for _ in range(TASKS):
        start(kmem_cache_alloc_and_free, s)
    start(rmdir, child)
    if REMOVED > 1:
        start(rmdir, parent)


@conserved
def charged_where_it_belongs(memcg: Memcg) -> bool:
    """An online memcg's counter holds the pages whose owner, by the back pointer, charges it."""
    if not memcg.css.online or any(not is_alive(page.slab_cache.memcg) for page in alive(Page)):
        return True
    return memcg.kmem.usage == total(
        page.size
        for page in alive(Page)
        if memcg.kmem in closure(page.slab_cache.memcg.kmem, PageCounter.parent)
    )


@finally_
def all_is_freed() -> bool:
    """No memcg is a zombie, and no cache is left."""
    return count(m for m in alive(Memcg)) == 3 - REMOVED and count(s for s in alive(Cache)) == 0


@eventually
def the_child_is_freed() -> bool:
    """A cgroup that is removed does not stay for ever."""
    return count(m for m in alive(Memcg)) < 3
