"""A task caches its objcg, and a bit in the pointer tells it that it has been moved.

Source: Roman Gushchin, "mm: kmem: add direct objcg pointer to task_struct", v6.7. mm/memcontrol.c,
v6.18: current_obj_cgroup(), current_objcg_update(), mem_cgroup_kmem_attach().

The design. current->objcg holds a reference, and only the task itself changes the pointer; so it
may use the objcg without taking another. Who moves the task to another memcg sets a bit in that
word afterwards. If the task finds the bit, it takes the pointer out together with the bit (xchg),
drops the reference, looks the objcg of its memcg up in a read section, and puts it in if the word
is still empty (cmpxchg). If it is not, the bit was set again, and all is repeated.

What is modelled. parent > child; a task that uses its objcg twice and exits; it is moved from the
child to the parent, and the child is removed. The word is two fields, changed in one step. An objcg
is killed, and its base reference dropped, as in objcg_no_pins.

READ_LOCK=no   The memcg that the task was in is freed before its objcg is read.
HOLD=no        The objcg that is in the word is freed.
CMPXCHG=no     A plain store: the bit that was set meanwhile is lost, and the task goes on to charge
               the memcg that it has left.
BIT_LAST=no    The bit is set before the task is moved: it finds its old memcg again.
PUT_OLD=no     The reference of the word is not dropped: the objcg is never freed.
PUT_AGAIN=no   The same for the one that was found in vain.

               predicted        found
default        holds            holds
READ_LOCK=no   use-after-free   use-after-free
HOLD=no        use-after-free   use-after-free
CMPXCHG=no     stale-objcg      stale-objcg
BIT_LAST=no    stale-objcg      stale-objcg
PUT_OLD=no     never freed      all_is_freed
PUT_AGAIN=no   never freed      all_is_freed
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.rcu import (
    RcuHead,
    call_rcu,
    kfree_rcu,
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc_not_zero,
    refcount_set,
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Object,
    Ref,
    alive,
    atomic,
    bound,
    check,
    choice,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)

USES = bound(2, "times that the task uses its objcg")
READ_LOCK = choice(True, "the task looks its memcg and that one's objcg up in a read section")
HOLD = choice(True, "the word holds a reference of its objcg")
CMPXCHG = choice(True, "the objcg is put into the word by cmpxchg()")
BIT_LAST = choice(True, "the bit is set after the task was moved")
PUT_OLD = choice(True, "the reference of the objcg that was in the word is dropped")
PUT_AGAIN = choice(True, "the reference of an objcg that was found in vain is dropped")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    objcg: Ref["ObjCgroup"]


class ObjCgroup(Object):
    refcnt: Refcount
    memcg: Ref[Memcg]
    ref_rcu: RcuHead  # percpu_ref_kill()'s
    rcu: RcuHead


class Task(Object):
    memcg: Ref[Memcg]  # task_css(current, memory_cgrp_id)
    objcg: Ref[ObjCgroup]
    update: bool  # CURRENT_OBJCG_UPDATE_FLAG in it
    has_moved: bool  # and been told so


# --- objcg


def obj_cgroup_put(objcg: ObjCgroup) -> None:
    last = refcount_dec_and_test(objcg.refcnt)
    if last:
        kfree_rcu(objcg, objcg.rcu)


def percpu_ref_switch_to_atomic_rcu(head: RcuHead) -> None:
    obj_cgroup_put(container_of(head, ObjCgroup, ObjCgroup.ref_rcu))


def get_obj_cgroup_from_memcg(memcg: Memcg) -> ObjCgroup | None:
    """Return the memcg's objcg, or that of the nearest memcg above that has one."""
    got = False
    objcg: ObjCgroup | None = None
    while memcg is not None and not got:
        objcg = rcu_dereference(memcg.objcg)
        if objcg is not None:
            got = True
            if HOLD:
                got = refcount_inc_not_zero(objcg.refcnt)
        memcg = memcg.parent
    return objcg if got else None


# --- the task


def current_objcg_update(task: Task) -> ObjCgroup | None:
    objcg: ObjCgroup | None = None
    done = False
    while not done:
        with atomic("xchg(&current->objcg, NULL)"):
            old = task.objcg
            task.objcg = None
            task.update = False
        if old is not None and HOLD and PUT_OLD:
            obj_cgroup_put(old)
        if objcg is not None and HOLD and PUT_AGAIN:
            obj_cgroup_put(objcg)
        if READ_LOCK:
            rcu_read_lock()
        memcg = rcu_dereference(task.memcg)
        objcg = get_obj_cgroup_from_memcg(memcg)
        if READ_LOCK:
            rcu_read_unlock()
        with atomic("try_cmpxchg(&current->objcg, &old, objcg)"):
            done = not CMPXCHG or not task.update
            if done:
                task.objcg = objcg
                task.update = False
    return objcg


def current_obj_cgroup(task: Task) -> ObjCgroup | None:
    with atomic("READ_ONCE(current->objcg)"):
        objcg: ObjCgroup | None = task.objcg
        update = task.update
    if update:
        objcg = current_objcg_update(task)
    return objcg


@process
def run(task: Task) -> None:
    for _ in range(USES):
        had_moved = task.has_moved
        objcg = current_obj_cgroup(task)
        if objcg is not None:
            memcg = objcg.memcg  # obj_cgroup_charge()
            check(
                not had_moved or memcg == task.memcg,
                "stale-objcg",
                "a task that was moved charges the memcg that it has left",
            )
    with atomic("exit: mem_cgroup_exit()"):
        last = task.objcg
        task.objcg = None
    if last is not None and HOLD:
        obj_cgroup_put(last)


# --- who moves it, and removes the child


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    objcg = memcg.objcg
    memcg.objcg = None
    rcu_assign_pointer(objcg.memcg, memcg.parent)
    call_rcu(objcg.ref_rcu, percpu_ref_switch_to_atomic_rcu)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def move_and_rmdir(task: Task, child: Memcg, parent: Memcg) -> None:
    if BIT_LAST:
        rcu_assign_pointer(task.memcg, parent)
        with atomic("set_bit(CURRENT_OBJCG_UPDATE_BIT)"):
            task.update = True
            task.has_moved = True
    else:
        task.update = True
        with atomic("the task is moved"):
            task.memcg = parent
            task.has_moved = True
    cgroup_rmdir(child.css, mem_cgroup_css_offline)


@setup
def task_in_child() -> None:
    parent = Memcg()
    child = Memcg(parent=parent)
    init_and_link_css(parent.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    parent.objcg = ObjCgroup(memcg=parent)
    child.objcg = ObjCgroup(memcg=child)
    refcount_set(parent.objcg.refcnt, 1)
    refcount_set(child.objcg.refcnt, 1)
    task = Task(memcg=child, update=True)  # a new task's
    start(run, task)
    start(move_and_rmdir, task, child, parent)


@finally_
def all_is_freed() -> bool:
    """The child and its objcg are gone, and nobody holds the parent's any more."""
    return count(m for m in alive(Memcg)) == 1 and sum(o.refcnt.refs for o in alive(ObjCgroup)) == 1
