"""Each page of slab pins the memcg that it is charged to; caches go when the memcg is freed.

Source: Vladimir Davydov's changes to kmemcg of v3.19 and v4.0, as they are in mm/memcontrol.c,
mm/slab_common.c and mm/slub.c, v4.19.

The design. A task gets a css reference of its memcg before it looks its cache up, and holds it
until it has its object. A page of slab takes a reference of its own when it is charged, and names
the memcg directly: nothing is ever pointed elsewhere. Offline clears the slot of the cache, lets
SLUB keep no empty slab any more (min_partial = 0), and has it free those that it keeps. So when the
last reference is gone there are no pages, and css_free() can destroy the caches. A memcg lives as
long as any of its objects does: a zombie, by design.

What is modelled. parent > child, one cache, a task that allocates an object in a page of its own
and frees it. The task leaves the child before that is removed; it may do so while it allocates.

KEPT=1           An object that nobody frees.
READ_LOCK=no     The memcg that was loaded is freed before css_tryget_online().
TASK_REF=no      "memcg: fix possible use-after-free in memcg_kmem_get_cache()": the cache goes
                 while the task sleeps for a page.
PAGE_REF=no      The memcg is freed with pages in its cache.
CLEAR_SLOT=no    The next memcg with the child's id finds its cache.
MIN_PARTIAL=no   SLUB keeps an empty slab that is freed later, and that pins the memcg for ever.
SHRINK=no        The same for one that it keeps already.
MIN_FIRST=no     The same for one that is freed between the two.
LIST_LOCK=no     The same: the free has looked at min_partial before.

                 predicted         found
default          holds             holds
KEPT=1           a zombie          no_memcg_is_a_zombie
READ_LOCK=no     use-after-free    use-after-free
TASK_REF=no      use-after-free    ref-resurrect first, use-after-free too
PAGE_REF=no      cache-busy        cache-busy
CLEAR_SLOT=no    stale-index       stale-index
MIN_PARTIAL=no   a zombie          no_memcg_is_a_zombie
SHRINK=no        a zombie          no_memcg_is_a_zombie
MIN_FIRST=no     a zombie          no_memcg_is_a_zombie
LIST_LOCK=no     a zombie          no_memcg_is_a_zombie
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_is_zombie,
    css_put,
    css_tryget_online,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.page_counter import (
    PageCounter,
    page_counter_charge,
    page_counter_init,
    page_counter_uncharge,
)
from kmcheck.kernel.rcu import rcu_dereference, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    Object,
    Ref,
    SetOf,
    Size,
    alive,
    atomic,
    bound,
    check,
    choice,
    conserved,
    container_of,
    finally_,
    process,
    setup,
    start,
    total,
)

TASKS = bound(1, "tasks that allocate an object and free it")
KEPT = bound(0, "objects that nobody frees")
READ_LOCK = choice(True, "a task gets its memcg in an RCU read section")
TASK_REF = choice(True, "a task holds a css reference until it has its object")
PAGE_REF = choice(True, "a page holds a css reference of its memcg")
CLEAR_SLOT = choice(True, "offline clears the slot of the memcg's id in memcg_caches[]")
MIN_PARTIAL = choice(True, "offline lets SLUB keep no empty slab any more")
SHRINK = choice(True, "offline frees the empty slabs that SLUB keeps")
MIN_FIRST = choice(True, "it does so after it has set min_partial, and not before")
LIST_LOCK = choice(True, "a free looks at min_partial under the list_lock")


class Memcg(Object):
    css: Css
    kmem: PageCounter
    cache: Ref["KmemCache"]  # on its list of caches
    slot: Ref["KmemCache"]  # memcg_caches[] of the root cache, at the memcg's id


class KmemCache(Object):
    list_lock: SpinLock
    keeps_empty: bool  # min_partial > 0
    pages: SetOf["Page"]
    empty: SetOf["Page"]


class Page(Object, limit=TASKS + KEPT):
    slab_cache: Ref[KmemCache]
    mem_cgroup: Ref[Memcg]
    size: Size


class Task(Object):
    memcg: Ref[Memcg]


# --- pages


def memcg_charge_slab(page: Page, memcg: Memcg) -> None:
    nr_pages = page.size
    page_counter_charge(memcg.kmem, nr_pages)
    if PAGE_REF:
        css_get(memcg.css)
    page.mem_cgroup = memcg


def free_slab(page: Page) -> None:
    with atomic("the page is this CPU's alone"):
        memcg = page.mem_cgroup
        nr_pages = page.size
    page_counter_uncharge(memcg.kmem, nr_pages)
    kfree(page)
    if PAGE_REF:
        css_put(memcg.css)


def slab_free(s: KmemCache, page: Page) -> None:
    """Free the last object of a page, and the page unless SLUB may keep it."""
    keep = s.keeps_empty
    spin_lock(s.list_lock)
    if LIST_LOCK:
        keep = s.keeps_empty
    with atomic("the node's lists"):
        s.pages.remove(page)
        if keep:
            s.empty.add(page)
    spin_unlock(s.list_lock)
    if not keep:
        free_slab(page)


def kmem_cache_shrink(s: KmemCache) -> None:
    spin_lock(s.list_lock)
    with atomic("list_splice()"):
        found = s.empty.copy()
        s.empty.clear()
    spin_unlock(s.list_lock)
    for page in found:
        free_slab(page)


# --- a task


def get_mem_cgroup_from_mm(task: Task) -> Memcg:
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(task.memcg)
    while not css_tryget_online(memcg.css):
        memcg = rcu_dereference(task.memcg)
    if READ_LOCK:
        rcu_read_unlock()
    return memcg


@process
def kmem_cache_alloc_and_free(task: Task) -> None:
    memcg = get_mem_cgroup_from_mm(task)
    s = memcg.slot
    if not TASK_REF:
        css_put(memcg.css)
    if s is not None:
        with atomic("alloc_pages()"):
            page = Page(slab_cache=s)
        memcg_charge_slab(page, memcg)
        s.pages.add(page)
    if TASK_REF:
        css_put(memcg.css)
    if s is not None:
        slab_free(s, page)


# --- rmdir


def memcg_deactivate_kmem_caches(memcg: Memcg) -> None:
    s = memcg.cache
    if CLEAR_SLOT:
        memcg.slot = None
    if SHRINK and not MIN_FIRST:
        kmem_cache_shrink(s)
    if MIN_PARTIAL:
        s.keeps_empty = False
    if SHRINK and MIN_FIRST:
        kmem_cache_shrink(s)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg_deactivate_kmem_caches(container_of(css, Memcg, Memcg.css))


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    s = memcg.cache
    with atomic("shutdown_cache()"):
        left = len(s.pages) + len(s.empty)
        check(left == 0, "cache-busy", "kmem_cache_destroy: still has objects")
        kfree(s)
    check(memcg.slot is None, "stale-index", "memcg_caches[] names a cache that is freed")
    kfree(memcg)


@process
def rmdir(memcg: Memcg, parent: Memcg, task: Task) -> None:
    task.memcg = parent  # the task leaves, or it could not be removed
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def two_memcgs() -> None:
    lockdep_init()
    parent = Memcg()
    child = Memcg()
    init_and_link_css(parent.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(child.kmem, parent.kmem)
    s = KmemCache(keeps_empty=True)
    child.cache = s
    child.slot = s
    task = Task(memcg=child)
    for _ in range(KEPT):
        page = Page(slab_cache=s)
        s.pages.add(page)
        memcg_charge_slab(page, child)
    for _ in range(TASKS):
        start(kmem_cache_alloc_and_free, task)
    start(rmdir, child, parent, task)


@conserved
def charged_for_its_pages(memcg: Memcg) -> bool:
    """A memcg is charged for the pages of its cache, and its parent too."""
    return memcg.kmem.usage == total(page.size for page in alive(Page))


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
