"""The caches of a dead memcg: drained at offline, then reaped when memory gets short.

Source: Glauber Costa and Vladimir Davydov, LKML 2014-02-05, "[PATCH -mm v15 11/13] memcg: flush
memcg items upon memcg destruction" and "13/13 memcg: reap dead memcgs upon global memory
pressure", on top of mm/memcontrol.c and mm/slab.h as of v3.14. Never merged.

The design. Each cache holds a css reference of its memcg. At offline, shrink_slab() is called in
a loop until it frees no more than a few objects; then every cache is marked dead, a work is
queued that shrinks or destroys it, and the memcg goes on a global list. Caches that still have
pages stay, and so does the memcg. When the last page of a dead cache is freed, the work is queued
again. SLUB keeps some slabs although no object is left in them, so a vmpressure event of the root
walks the global list and shrinks all caches of all dead memcgs.

What is modelled. A memcg below the root, its caches, objects on its LRU list and objects in use,
each the last one of its slab; rmdir; the works; memory pressure, once at any time and, with
VMPRESSURE, once more when all is quiet. SLUB keeps one empty slab for each cache. The pages'
own pointers to the memcg are in page_owner. That the loop at offline need not end, while others
add objects, is about liveness and not asked here.

VMPRESSURE=no        Memory never gets short: the empty slab that SLUB keeps keeps the cache, and
                     the memcg is a zombie. This is Johannes Weiner's objection.
WALK=for_each_safe   As posted. The walk over the caches drops slab_caches_mutex around
                     kmem_cache_shrink(). "The element may go away", says the comment, and only
                     the next one is saved; but the one that is being shrunk is used after it is
                     gone, since its work may destroy it meanwhile. The default keeps a reference.
DESTROY=check        As posted, and in v3.10 to v3.15. The work looks at nr_pages and destroys the
                     cache if it is zero; whoever frees the last page makes it zero first and
                     looks at `dead` then. The default is Vladimir Davydov's repair of 2014-02-26,
                     "[PATCH -mm 02/12] memcg: fix race in memcg cache destruction path": pages
                     and the memcg hold references on the cache, and who drops the last one
                     queues the work.
LATE_ALLOC=yes       A task has chosen the cache, without a reference, and sleeps in alloc_pages()
                     while it moves to another memcg and its old one is removed: it adds its page
                     to a freed cache. Repaired in v3.19: 8135be5a8012 "memcg: fix possible
                     use-after-free in memcg_kmem_get_cache()".
RETAIN=yes           An object that was in use at offline goes to the LRU list of the dead memcg
                     when it is let go of, as dput() does. Nobody scans that list any more
                     (mem_cgroup_iter() passes dead memcgs by, and kmem_cache_shrink() frees empty
                     slabs only): a zombie in spite of memory pressure. Found by kmcheck; we know
                     of no mail that says so.

                    predicted        found
default             holds            holds
VMPRESSURE=no       zombie           no_memcg_is_a_zombie
WALK=for_each_safe  use-after-free   use-after-free
DESTROY=check       holds            use-after-free
LATE_ALLOC=yes      use-after-free   use-after-free
RETAIN=yes          holds            no_memcg_is_a_zombie
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
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Annotated,
    Enum,
    ListOf,
    Object,
    Ref,
    SetOf,
    add_return,
    atomic,
    auto,
    bound,
    choice,
    container_of,
    count,
    finally_,
    process,
    processes,
    setup,
    start,
    wait_until,
)


class Walk(Enum):
    FOR_EACH_SAFE = auto()
    REFERENCED = auto()


class Destroy(Enum):
    CHECK = auto()
    LAST_REF = auto()


CACHES = bound(1, "caches of the memcg")
CACHED = bound(1, "objects of each cache on the memcg's LRU list")
BUSY = bound(1, "objects of each cache in use at offline")
VMPRESSURE = choice(True, "memory gets short once more, when all is quiet")
WALK = choice(Walk.REFERENCED, "how vmpressure walks over the caches of a dead memcg")
DESTROY = choice(Destroy.LAST_REF, "when the work destroys a cache")
LATE_ALLOC = choice(False, "a task leaves the memcg in the middle of an allocation")
RETAIN = choice(False, "an object that is let go of is put on the LRU list")

MIN_PARTIAL = 1  # empty slabs that SLUB keeps
FEW = 0  # the 10 of memcg_drop_slab()

Pages = Annotated[int, range(CACHED + BUSY + 4)]


class Memcg(Object):
    css: Css
    slab_caches_mutex: Mutex
    memcg_slab_caches: ListOf["Cache"]
    lru: SetOf["Dentry"]


class Cache(Object):
    memcg: Ref[Memcg]
    nr_pages: Pages  # with LAST_REF, plus one for the memcg, and for who holds a reference
    nr_empty: Pages  # slabs without objects on the partial list
    dead: bool
    destroy: Work


class Dentry(Object):
    slab_cache: Ref[Cache]


class Kernel(Object):
    dangling_memcgs: ListOf[Memcg]
    dangling_memcgs_mutex: Mutex


kernel = Kernel()


# --- mm/slab.h, mm/slub.c


def mem_cgroup_destroy_cache(s: Cache) -> None:
    if s.dead and not s.destroy.pending:
        schedule_work(s.destroy)


def memcg_release_pages(s: Cache) -> None:
    """Take a page off a cache, or drop a reference on it."""
    left = add_return(s.nr_pages, -1)
    if left == 0:
        if DESTROY == Destroy.CHECK:
            mem_cgroup_destroy_cache(s)
        else:
            schedule_work(s.destroy)


def kmem_cache_free(s: Cache) -> None:
    """Free the last object of a slab."""
    with atomic("__slab_free(), under the node's list_lock"):
        kept = s.nr_empty < MIN_PARTIAL
        if kept:
            s.nr_empty += 1
    if not kept:
        memcg_release_pages(s)


def kmem_cache_shrink(s: Cache) -> None:
    with atomic("under the node's list_lock"):
        discarded = s.nr_empty
        s.nr_empty = 0
    while discarded > 0:
        memcg_release_pages(s)
        discarded -= 1


def kmem_cache_destroy(s: Cache) -> None:
    memcg = s.memcg
    mutex_lock(memcg.slab_caches_mutex)
    memcg.memcg_slab_caches.remove(s)
    mutex_unlock(memcg.slab_caches_mutex)
    kfree(s)
    css_put(memcg.css)


# --- mm/memcontrol.c


def kmem_cache_destroy_work_func(w: Work) -> None:
    s = container_of(w, Cache, Cache.destroy)
    if DESTROY == Destroy.CHECK:
        if s.nr_pages != 0:
            kmem_cache_shrink(s)
        else:
            kmem_cache_destroy(s)
    else:
        last = s.nr_pages == 0
        if not last:
            # queued by mem_cgroup_destroy_all_caches(): drop the memcg's reference
            kmem_cache_shrink(s)
            last = add_return(s.nr_pages, -1) == 0
        if last:
            kmem_cache_destroy(s)


def shrink_slab(memcg: Memcg) -> int:
    """Free what is on a memcg's LRU list; return how many objects these were."""
    freed = 0
    for dentry in memcg.lru:
        with atomic("isolated"):
            memcg.lru.remove(dentry)
            s = dentry.slab_cache
            kfree(dentry)
        kmem_cache_free(s)
        freed += 1
    return freed


def memcg_drop_slab(memcg: Memcg) -> None:
    nr_objects = shrink_slab(memcg)
    while nr_objects > FEW:
        nr_objects = shrink_slab(memcg)


def mem_cgroup_destroy_all_caches(memcg: Memcg) -> None:
    mutex_lock(memcg.slab_caches_mutex)
    for s in memcg.memcg_slab_caches:
        s.dead = True
        schedule_work(s.destroy)
    mutex_unlock(memcg.slab_caches_mutex)


def memcg_dangling_add(memcg: Memcg) -> None:
    mutex_lock(kernel.dangling_memcgs_mutex)
    kernel.dangling_memcgs.push(memcg)
    mutex_unlock(kernel.dangling_memcgs_mutex)


def memcg_dangling_del(memcg: Memcg) -> None:
    mutex_lock(kernel.dangling_memcgs_mutex)
    kernel.dangling_memcgs.remove(memcg)
    mutex_unlock(kernel.dangling_memcgs_mutex)


def memcg_try_get_cache(s: Cache) -> bool:
    """Take a reference on a cache unless its last one is gone."""
    with atomic("atomic_inc_not_zero()"):
        taken = s.nr_pages != 0
        if taken:
            s.nr_pages += 1
    return taken


def memcg_shrink_caches(memcg: Memcg) -> None:
    mutex_lock(memcg.slab_caches_mutex)
    s = memcg.memcg_slab_caches.first()
    while s is not None:
        if WALK == Walk.FOR_EACH_SAFE:
            tmp = memcg.memcg_slab_caches.after(s)
            mutex_unlock(memcg.slab_caches_mutex)
            kmem_cache_shrink(s)
            mutex_lock(memcg.slab_caches_mutex)
        else:
            taken = memcg_try_get_cache(s)
            if taken:
                mutex_unlock(memcg.slab_caches_mutex)
                kmem_cache_shrink(s)
                mutex_lock(memcg.slab_caches_mutex)
            tmp = memcg.memcg_slab_caches.after(s)
            if taken:
                memcg_release_pages(s)
        s = tmp
    mutex_unlock(memcg.slab_caches_mutex)


def memcg_vmpressure_shrink_dead() -> None:
    mutex_lock(kernel.dangling_memcgs_mutex)
    for memcg in kernel.dangling_memcgs:
        memcg_shrink_caches(memcg)
    mutex_unlock(kernel.dangling_memcgs_mutex)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    memcg_drop_slab(memcg)
    mem_cgroup_destroy_all_caches(memcg)
    memcg_dangling_add(memcg)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    memcg_dangling_del(memcg)
    kfree(memcg)


# --- who runs


@process
def dput(dentry: Dentry, memcg: Memcg) -> None:
    if RETAIN:
        memcg.lru.add(dentry)
    else:
        with atomic("the dentry is this CPU's alone"):
            s = dentry.slab_cache
            kfree(dentry)
        kmem_cache_free(s)


@process
def kmem_cache_alloc(s: Cache) -> None:
    # memcg_kmem_get_cache() has returned s; alloc_pages(), then memcg_bind_pages()
    add_return(s.nr_pages, 1)
    # and, later, the object is freed again
    kmem_cache_free(s)


@process
def kswapd() -> None:
    memcg_vmpressure_shrink_dead()
    if VMPRESSURE:
        wait_until(count(p for p in processes()) == 1, "all is quiet")
        memcg_vmpressure_shrink_dead()


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def dying_memcg() -> None:
    lockdep_init()
    root = Memcg()
    memcg = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(memcg.css, root.css, no_css_released, mem_cgroup_css_free)
    for _ in range(CACHES):
        s = Cache(memcg=memcg, nr_pages=CACHED + BUSY)
        if DESTROY == Destroy.LAST_REF:
            s.nr_pages += 1
        INIT_WORK(s.destroy, kmem_cache_destroy_work_func)
        css_get(memcg.css)
        memcg.memcg_slab_caches.append(s)
        for _ in range(CACHED):
            memcg.lru.add(Dentry(slab_cache=s))
        for _ in range(BUSY):
            start(dput, Dentry(slab_cache=s), memcg)
        if LATE_ALLOC:
            start(kmem_cache_alloc, s)
    start(rmdir, memcg)
    start(kswapd)


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
