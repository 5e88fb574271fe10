"""The parent dies too: who keeps it alive while a cache that it inherited points at it.

Source: Johannes Weiner, LKML 2014-02-14, "Re: [PATCH -mm v15 00/13] kmemcg shrinkers": "The cache
is now owned by the parent and will stay alive until the last page is freed." The two ways to keep
the parent, or to do without it, are those of v5.3 (fb2f2b0adb98, the cache holds a css reference
of its memcg) and of v5.13 (no reference; a memcg's offline moves on what it has inherited).

The design. Both child and parent are removed while a page of the child's cache is outstanding.
Each goes through its life's end (see kmcheck/kernel/css.py). Offline moves the memcg's caches,
inherited ones too, to the parent and points them at it. There is no synchronize_rcu() in it: what
protects a free that has loaded the old pointer is the grace period between the last css reference
and kfree(). The free of the last page destroys the cache, which takes it off its owner's list
under the lock.

What is modelled. root > parent > child, one cache of the child with one page; its free, with the
end of the cache; rmdir of child and parent, the parent's not before the child's.

INHERIT=no      (d8) The cache is pointed at the parent but not put on its list. The parent's
                offline does not find it, and the back pointer dangles once the parent is freed.
PARENT_LAST=no  (d9) The parent may go offline before its child, as it could before v4.5: its list
                was drained before the child's cache came. The same dangling pointer.
PIN=yes         The cache holds a css reference of its memcg, moved with the pointer. It makes up
                for each of the two above: the parent lives on, as a zombie, until the cache is
                gone.

                predicted       found
default         holds           holds
INHERIT=no      use-after-free  use-after-free
PARENT_LAST=no  use-after-free  use-after-free
PIN=yes         holds           holds, with either of the two above as well
"""

from kmcheck.kernel.css import (
    Css,
    css_confirm_kill,
    css_get,
    css_is_zombie,
    css_killed_work_fn,
    css_put,
    css_wait_for_children,
    init_and_link_css,
    kill_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import lockdep_init
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
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
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
    finally_,
    is_alive,
    process,
    setup,
    start,
    total,
)

CACHES = bound(1, "caches of the child, each with one page that is being freed")
INHERIT = choice(True, "a cache is put on the list of the memcg that inherits it")
PARENT_LAST = choice(True, "a memcg goes offline only after its children have")
PIN = choice(False, "a cache holds a css reference of the memcg that it points at")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmem: PageCounter
    memcg_slab_caches: SetOf["Cache"]


class Cache(Object):
    memcg: Ref[Memcg]


class Page(Object):
    slab_cache: Ref[Cache]
    size: Size


slab_lock = SpinLock()  # guards every memcg_slab_caches


def kmem_cache_destroy(s: Cache) -> None:
    """End a cache whose last page is gone."""
    spin_lock(slab_lock)
    with atomic("list_del()"):
        owner = s.memcg
        owner.memcg_slab_caches.discard(s)
    spin_unlock(slab_lock)
    if PIN:
        css_put(owner.css)
    kfree(s)


@process
def kmem_cache_free(page: Page) -> None:
    with atomic("the page is this CPU's alone"):
        s = page.slab_cache
        nr_pages = page.size
    rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    page_counter_uncharge(memcg.kmem, nr_pages)
    rcu_read_unlock()
    kfree(page)
    kmem_cache_destroy(s)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    parent = memcg.parent
    spin_lock(slab_lock)
    for s in memcg.memcg_slab_caches:
        with atomic("list_move()"):
            memcg.memcg_slab_caches.remove(s)
            if INHERIT:
                parent.memcg_slab_caches.add(s)
        if PIN:
            css_get(parent.css)
        rcu_assign_pointer(s.memcg, parent)
        if PIN:
            css_put(memcg.css)
    spin_unlock(slab_lock)


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
    page_counter_init(parent.kmem, root.kmem)
    page_counter_init(child.kmem, parent.kmem)
    for _ in range(CACHES):
        cache = Cache(memcg=child)
        child.memcg_slab_caches.add(cache)
        if PIN:
            css_get(child.css)
        page = Page(slab_cache=cache)
        page_counter_charge(child.kmem, page.size)
        start(kmem_cache_free, page)
    start(rmdir, child)
    start(rmdir, parent)


def an_owner_is_freed() -> bool:
    return any(not is_alive(page.slab_cache.memcg) for page in alive(Page))


@conserved
def charged_where_it_belongs(memcg: Memcg) -> bool:
    """An online memcg's counter holds the pages whose owner, by the back pointer, charges it.

    It has nothing to say once an owner is freed: the use-after-free that comes of it says more.
    """
    if not memcg.css.online or an_owner_is_freed():
        return True
    return memcg.kmem.usage == total(
        page.size
        for page in alive(Page)
        if memcg.kmem in closure(page.slab_cache.memcg.kmem, PageCounter.parent)
    )


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
