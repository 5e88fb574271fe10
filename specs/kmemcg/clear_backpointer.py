"""Clear the pointers from a dying memcg's caches to it: to what, when, and what is left dangling.

Source: Vladimir Davydov, LKML 2014-02-14, "Re: [PATCH -mm v15 00/13] kmemcg shrinkers": "If you
mean clearing all pointers from the memcg's cache to the memcg (changing them to the parent or root
memcg), then AFAIU this won't solve the problem with "dangling" caches - we will still have to
shrink them on vmpressure. [...] we would have to handle various corner cases like reparenting vs
list_lru_{add,remove}." No patch of it was posted.

The design. At offline each cache of the memcg gets another back pointer, and the references that
the caches held on the memcg are dropped. Frees uncharge, and list_lru_del() finds the list,
through the back pointer. The default is its sound form: the parent in place of the child, the
cache on the parent's list of caches, a grace period, the child's list_lru list spliced to the
parent's, the child's slot in memcg_caches[] cleared. That is the design of the reply to it
(reparent_caches, reparent_lists). Each choice is one of the corner cases.

What is modelled. root > parent > child; one cache of the child, with a page that stays, one that
is being freed, and a slab without objects that SLUB keeps; an object on the child's list_lru list
that stays, and one that is being deleted; the child's offline and end, and a memcg that gets its
id. Without a memcg (CLEAR_TO=null) an object is on the list of the root.

CLEAR_TO=null     A free that has not thought of it follows NULL. With GUARD=two_loads it looks,
                  and loads the pointer again to use it: time of check, time of use. With
                  GUARD=one_load nothing crashes, but then the pages that are freed later are
                  uncharged from nobody, and stay charged to the parent and the root for ever.
CLEAR_TO=root     The same for the parent: the root is uncharged, the parent is not.
GRACE_PERIOD=no   A free has loaded the child, which is freed.
MOVE_LISTS=no     What is on the child's list is on a list that nobody looks at, and that is freed
                  under it. No race is needed.
LOCKS=memcg       With a lock for each memcg's list (v6.13), a delete that loads the parent while
                  the object is still on the child's list takes it off under the wrong lock.
LISTED=no         The cache is on no memcg's list: the empty slab is never shrunk unless vmpressure
                  looks for dangling caches. This is the objection in the mail.
CLEAR_SLOT=no     The next memcg with the child's id finds its cache, and allocates from it.

                                    predicted        found
default                             holds            holds
CLEAR_TO=null                       null-deref       null-deref
CLEAR_TO=null, GUARD=two_loads      null-deref       null-deref
CLEAR_TO=null, GUARD=one_load       not asked        charged_where_it_belongs
CLEAR_TO=root                       not asked        charged_where_it_belongs
GRACE_PERIOD=no                     use-after-free   use-after-free
MOVE_LISTS=no                       stranded-object  stranded-object
LOCKS=memcg                         guard-violation  guard-violation
LISTED=no                           zombie slabs     empty_slabs_are_found
CLEAR_SLOT=no                       stale-index      stale-index
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    list_lru_del,
    list_lru_fill,
    list_lru_init,
    memcg_init_list_lru_one,
    memcg_reparent_list_lru_one,
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
    synchronize_rcu,
)
from kmcheck.kernel.slab import kfree
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
    check,
    choice,
    closure,
    conserved,
    finally_,
    process,
    setup,
    start,
    total,
    wait_until,
)


class ClearTo(Enum):
    NULL = auto()
    ROOT = auto()
    PARENT = auto()


class Guard(Enum):
    NONE = auto()
    TWO_LOADS = auto()
    ONE_LOAD = auto()


FREERS = bound(1, "pages of the cache that are being freed")
CLEAR_TO = choice(ClearTo.PARENT, "what the back pointer of a cache is set to at offline")
GUARD = choice(Guard.NONE, "how a reader of the back pointer looks for NULL")
GRACE_PERIOD = choice(True, "a grace period passes before the child is freed")
MOVE_LISTS = choice(True, "the child's list_lru list is spliced to that of its heir")
LOCKS = choice(LockMap.NODE, "what the lock of a list guards: a node's lists, or one memcg's")
LISTED = choice(True, "the cache is put on its heir's list of caches")
CLEAR_SLOT = choice(True, "offline clears the slot of the memcg's id in memcg_caches[]")


class Memcg(Object):
    parent: Ref["Memcg"]
    kmem: PageCounter
    lru: ListLruOne
    memcg_slab_caches: SetOf["Cache"]


class Cache(Object):
    memcg: Ref[Memcg]
    nr_empty: int  # slabs without objects that SLUB keeps


class Page(Object):
    slab_cache: Ref[Cache]
    size: Size


class Dentry(Object):
    slab_cache: Ref[Cache]
    d_lru: ListHead


class Kernel(Object):
    root_mem_cgroup: Ref[Memcg]
    slot: Ref[Cache]  # memcg_params->memcg_caches[id of the child]
    id_is_taken: bool


kernel = Kernel()
dentry_lru = ListLru()


@process
def kmem_cache_free(page: Page, s: Cache) -> None:
    nr_pages = page.size
    rcu_read_lock()
    if GUARD == Guard.TWO_LOADS:
        if s.memcg is not None:
            memcg = rcu_dereference(s.memcg)
            page_counter_uncharge(memcg.kmem, nr_pages)
    else:
        memcg = rcu_dereference(s.memcg)
        if GUARD == Guard.NONE or memcg is not None:
            page_counter_uncharge(memcg.kmem, nr_pages)
    rcu_read_unlock()
    kfree(page)


@process
def list_lru_del_obj(dentry: Dentry, s: Cache) -> None:
    rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    if CLEAR_TO == ClearTo.NULL and memcg is None:
        memcg = kernel.root_mem_cgroup
    list_lru_del(dentry_lru, dentry.d_lru, memcg.lru)
    rcu_read_unlock()


@process
def css_free(child: Memcg, heir: Memcg) -> None:
    if CLEAR_SLOT:
        kernel.slot = None
    for s in child.memcg_slab_caches:
        with atomic("list_del()"):
            child.memcg_slab_caches.remove(s)
            if LISTED:
                heir.memcg_slab_caches.add(s)
        if CLEAR_TO == ClearTo.NULL:
            rcu_assign_pointer(s.memcg, None)
        else:
            rcu_assign_pointer(s.memcg, heir)
    if GRACE_PERIOD:
        synchronize_rcu()
    if MOVE_LISTS:
        memcg_reparent_list_lru_one(child.lru, heir.lru, False)
    with atomic("ida_simple_remove(), kfree()"):
        kernel.id_is_taken = False
        kfree(child)


@process
def memcg_register_cache() -> None:
    with atomic("a new memcg gets the child's id"):
        wait_until(not kernel.id_is_taken)
        kernel.id_is_taken = True
        check(
            kernel.slot is None,
            "stale-index",
            "memcg_caches[] of a new memcg holds the cache of the one that had its id before",
        )


@setup
def dying_child() -> None:
    lockdep_init()
    list_lru_init(dentry_lru, LOCKS)
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    page_counter_init(parent.kmem, root.kmem)
    page_counter_init(child.kmem, parent.kmem)
    memcg_init_list_lru_one(dentry_lru, root.lru, None)
    memcg_init_list_lru_one(dentry_lru, parent.lru, root.lru)
    memcg_init_list_lru_one(dentry_lru, child.lru, parent.lru)
    s = Cache(memcg=child, nr_empty=1)
    child.memcg_slab_caches.add(s)
    kernel.root_mem_cgroup = root
    kernel.slot = s
    kernel.id_is_taken = True
    kept = Page(slab_cache=s)
    page_counter_charge(child.kmem, kept.size)
    for _ in range(FREERS):
        page = Page(slab_cache=s)
        page_counter_charge(child.kmem, page.size)
        start(kmem_cache_free, page, s)
    stays = Dentry(slab_cache=s)
    list_lru_fill(child.lru, stays.d_lru)
    dentry = Dentry(slab_cache=s)
    list_lru_fill(child.lru, dentry.d_lru)
    start(list_lru_del_obj, dentry, s)
    start(css_free, child, parent if CLEAR_TO == ClearTo.PARENT else root)
    start(memcg_register_cache)


@conserved
def charged_where_it_belongs(memcg: Memcg) -> bool:
    """A counter holds the pages whose owner, as the back pointer names it now, charges it."""
    return memcg.kmem.usage == total(
        page.size for page in alive(Page) if memcg in closure(page.slab_cache.memcg, Memcg.parent)
    )


@finally_
def nr_items_is_the_length(memcg: Memcg) -> bool:
    return memcg.lru.nr_items == len(memcg.lru.items)


@finally_
def empty_slabs_are_found(s: Cache) -> bool:
    """Some memcg's list leads whoever wants to shrink caches to each that has an empty slab."""
    return s.nr_empty == 0 or any(s in memcg.memcg_slab_caches for memcg in alive(Memcg))
