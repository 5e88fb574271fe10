"""mm: memcg: synchronize objcg lists with a dedicated spinlock.

Bug: B26.

Kernel: v5.9 to v5.16 (0764db9b49c9; v5.17).

Breaks: obj_cgroup_release() takes css_set_lock to take the obj_cgroup off its memcg's list. It is
the release of a percpu_ref, so it runs in whoever drops the last reference, with the locks that
that one holds: here a signal is queued under siglock, and the obj_cgroup of its sigqueue is let go
of. Elsewhere css_set_lock is held when siglock is taken: the freezer of cgroup v2 signals each task
of a cgroup. One of each is a deadlock, and lockdep reports the two orders without one.

Fix: the lists have a lock of their own, objcg_lock, under which no other lock is taken.

Modelled: a task that sends a signal, whose last object of a removed memcg is freed under siglock;
cgroup_freeze_task() of its cgroup; the obj_cgroup's percpu_ref, that is killed before or after. An
obj_cgroup has what its release needs and no more.
"""

from kmcheck.kernel.irq import (
    spin_lock_irq,
    spin_lock_irqsave,
    spin_unlock_irq,
    spin_unlock_irqrestore,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.percpu_ref import (
    PercpuRef,
    percpu_ref_exit,
    percpu_ref_get,
    percpu_ref_init,
    percpu_ref_kill,
    percpu_ref_put,
)
from kmcheck.kernel.rcu import RcuHead, kfree_rcu
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    Object,
    Ref,
    SetOf,
    alive,
    choice,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)

FIX = choice(True, "the lists of obj_cgroups have a lock of their own")


class Memcg(Object):
    objcg_list: SetOf["ObjCgroup"]


class ObjCgroup(Object):
    refcnt: PercpuRef
    memcg: Ref[Memcg]
    rcu: RcuHead


class Kernel(Object):
    css_set_lock: SpinLock
    objcg_lock: SpinLock
    siglock: SpinLock  # of the task that is signalled, and frozen
    signalled: bool
    jobctl_trap_freeze: bool


kernel = Kernel()
parent = Memcg()


def obj_cgroup_release(ref: PercpuRef) -> None:
    objcg = container_of(ref, ObjCgroup, ObjCgroup.refcnt)
    lock = kernel.objcg_lock if FIX else kernel.css_set_lock
    flags = spin_lock_irqsave(lock)
    objcg.memcg.objcg_list.remove(objcg)
    spin_unlock_irqrestore(lock, flags)
    percpu_ref_exit(ref)
    kfree_rcu(objcg, objcg.rcu)


@process
def dequeue_signal(objcg: ObjCgroup) -> None:
    spin_lock_irq(kernel.siglock)
    kernel.signalled = False
    percpu_ref_put(objcg.refcnt)  # __sigqueue_free(), kmem_cache_free(), drain_obj_stock()
    spin_unlock_irq(kernel.siglock)


@process
def cgroup_do_freeze() -> None:
    spin_lock_irq(kernel.css_set_lock)  # css_task_iter_next()
    spin_lock(kernel.siglock)  # cgroup_freeze_task()
    kernel.jobctl_trap_freeze = True
    spin_unlock(kernel.siglock)
    spin_unlock_irq(kernel.css_set_lock)


@process
def memcg_reparent_objcgs(objcg: ObjCgroup) -> None:
    """The memcg goes offline: its obj_cgroup is on the parent's list by now."""
    percpu_ref_kill(objcg.refcnt)


@setup
def a_signal_is_pending() -> None:
    lockdep_init()
    objcg = ObjCgroup(memcg=parent)
    parent.objcg_list.add(objcg)
    percpu_ref_init(objcg.refcnt, obj_cgroup_release)
    percpu_ref_get(objcg.refcnt)
    kernel.signalled = True
    start(dequeue_signal, objcg)
    start(cgroup_do_freeze)
    start(memcg_reparent_objcgs, objcg)


@finally_
def the_obj_cgroup_is_released() -> bool:
    return count(objcg for objcg in alive(ObjCgroup)) == 0
