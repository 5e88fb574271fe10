"""mm: kmem: fix a NULL pointer dereference in obj_stock_flush_required().

Bug: B11.

Kernel: v5.9 to v6.4 (3b8abb323953, commit id from memory; v6.5).

Breaks: drain_all_stock() looks at the stocks of other CPUs without their locks. It loads
`cached_objcg` to see whether there is one, and again to follow it. If the other CPU drains its
stock in between, that is NULL.

Fix: one load, by READ_ONCE().

Finding: in v5.10 there is a second bug behind it, by the rules of RCU. drain_obj_stock() drops its
reference before it clears `cached_objcg` (CLEAR_FIRST=no; since v5.18 the put comes last, for
another reason). The put may be the last one, and kfree_rcu()s the obj_cgroup. A drain_all_stock()
that begins after that grace period has begun still finds the pointer, and is not waited for. The
CPU that drains is, since it has interrupts off; the obj_cgroup is freed when it is done. In
practice kfree_rcu() waits for a batch before its grace period begins. It was seen in a review for
PREEMPT_RT (Alexander Fedorov, linux-mm, 2022), where that CPU may be preempted in between. The
READ_ONCE() does not help against it.

Modelled: CPU1's stock has the last reference on an obj_cgroup, or soon will: its memcg goes
offline, and the percpu_ref is killed. CPU1 needs its stock for another obj_cgroup, and drains it;
CPU0 looks at it. What is in the stock is left out.
"""

from kmcheck.kernel.percpu_ref import (
    PercpuRef,
    percpu_ref_exit,
    percpu_ref_get,
    percpu_ref_init,
    percpu_ref_kill,
    percpu_ref_put,
)
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.kernel.rcu import RcuHead, kfree_rcu, rcu_read_lock, rcu_read_unlock
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Object,
    Ref,
    alive,
    choice,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)

FIX = choice(True, "cached_objcg is loaded once")
CLEAR_FIRST = choice(True, "drain_obj_stock() clears cached_objcg before it drops the reference")


class Memcg(Object):
    parent: Ref["Memcg"]


class ObjCgroup(Object):
    refcnt: PercpuRef
    memcg: Ref[Memcg]
    rcu: RcuHead


class Stock(Object):
    """CPU1's `struct memcg_stock_pcp`."""

    cached_objcg: Ref[ObjCgroup]
    flushing: bool


stock = Stock()
root_mem_cgroup = Memcg()
parent = Memcg()


def obj_cgroup_release(ref: PercpuRef) -> None:
    objcg = container_of(ref, ObjCgroup, ObjCgroup.refcnt)
    percpu_ref_exit(ref)
    kfree_rcu(objcg, objcg.rcu)


def drain_obj_stock() -> None:
    old = stock.cached_objcg
    if CLEAR_FIRST:
        WRITE_ONCE(stock.cached_objcg, None)
        percpu_ref_put(old.refcnt)
    else:
        percpu_ref_put(old.refcnt)
        stock.cached_objcg = None


@process
def refill_obj_stock(objcg: ObjCgroup) -> None:
    preempt_disable()  # local_irq_save()
    drain_obj_stock()
    percpu_ref_get(objcg.refcnt)
    WRITE_ONCE(stock.cached_objcg, objcg)
    preempt_enable()


def obj_stock_flush_required(root: Memcg) -> bool:
    if FIX:
        objcg = READ_ONCE(stock.cached_objcg)
        if objcg is not None:
            memcg = objcg.memcg
            return memcg.parent == root
    elif stock.cached_objcg is not None:
        memcg = stock.cached_objcg.memcg
        return memcg.parent == root
    return False


@process
def drain_all_stock() -> None:
    rcu_read_lock()
    if obj_stock_flush_required(root_mem_cgroup):
        stock.flushing = True
    rcu_read_unlock()


@process
def memcg_reparent_objcgs(objcg: ObjCgroup) -> None:
    objcg.memcg = parent
    percpu_ref_kill(objcg.refcnt)


@setup
def a_stock_in_use() -> None:
    parent.parent = root_mem_cgroup
    objcg = ObjCgroup(memcg=Memcg(parent=parent))
    other = ObjCgroup(memcg=parent)
    percpu_ref_init(objcg.refcnt, obj_cgroup_release)
    percpu_ref_init(other.refcnt, obj_cgroup_release)
    percpu_ref_get(objcg.refcnt)
    stock.cached_objcg = objcg
    start(drain_all_stock)
    start(refill_obj_stock, other)
    start(memcg_reparent_objcgs, objcg)


@finally_
def the_obj_cgroup_is_released() -> bool:
    return count(objcg for objcg in alive(ObjCgroup)) == 1
