"""memcg: free mem_cgroup by RCU to fix oops.

Bug: B34.

Kernel: to v3.3 (59927fb984de; v3.4).

Breaks: mem_cgroup_iter() finds a css by its id in a read section, and then takes a reference with
css_tryget(). In between the last reference may be dropped, and the memcg is freed at once:
css_tryget() looks at a count in memory that is free, or somebody else's, and may well succeed.

Fix: kfree_rcu(). Then the read section keeps the memory from the lookup to the css_tryget(), which
fails.

Modelled: a memcg with its id, reclaim that walks the memcgs and looks into the one that it gets,
and the memcg's removal, which clears the id and drops the base reference. The count of v3.3, which
is a plain one.
"""

from kmcheck.kernel.rcu import RcuHead, kfree_rcu, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc_not_zero,
    refcount_set,
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Annotated,
    Object,
    Ref,
    alive,
    bound,
    choice,
    count,
    finally_,
    process,
    setup,
    start,
)

ITERATORS = bound(2, "reclaimers that walk the memcgs")
FIX = choice(True, "a memcg is freed after a grace period")


class Memcg(Object):
    refcnt: Refcount  # css.refcnt
    lru_size: Annotated[int, range(2)]
    rcu: RcuHead


class CssId(Object):
    """An entry of the idr: what css_get_next() finds."""

    css: Ref[Memcg]


css_idr = CssId()


def mem_cgroup_put(memcg: Memcg) -> None:
    last = refcount_dec_and_test(memcg.refcnt)
    if last:
        if FIX:
            kfree_rcu(memcg, memcg.rcu)  # __mem_cgroup_free()
        else:
            kfree(memcg)


def mem_cgroup_iter() -> Memcg | None:
    rcu_read_lock()
    memcg: Memcg | None = READ_ONCE(css_idr.css)  # css_get_next()
    if memcg is not None:
        taken = refcount_inc_not_zero(memcg.refcnt)  # css_tryget()
        if not taken:
            memcg = None
    rcu_read_unlock()
    return memcg


@process
def shrink_zone() -> None:
    memcg = mem_cgroup_iter()
    if memcg is not None:
        pages = memcg.lru_size  # mem_cgroup_zone_nr_lru_pages()
        assert pages == 1
        mem_cgroup_put(memcg)


@process
def mem_cgroup_destroy(memcg: Memcg) -> None:
    WRITE_ONCE(css_idr.css, None)  # free_css_id()
    mem_cgroup_put(memcg)


@setup
def a_memcg() -> None:
    memcg = Memcg(lru_size=1)
    refcount_set(memcg.refcnt, 1)
    css_idr.css = memcg
    for _ in range(ITERATORS):
        start(shrink_zone)
    start(mem_cgroup_destroy, memcg)


@finally_
def the_memcg_is_freed() -> bool:
    return count(memcg for memcg in alive(Memcg)) == 0
