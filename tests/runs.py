"""The runs that the pictures are tested on: each is a bug of the kind that kmcheck is for."""

from __future__ import annotations

from collections.abc import Callable

from kmcheck.trace import Trace
from tests.endless_runs import spins_for_ever, wake_up_lost
from tests.flagship_runs import (
    late_reader,
    no_grace_period,
    no_read_lock,
    read_lock,
    uncharged_twice,
)
from tests.traces import Script


def wrong_list_lock() -> Trace:
    """Say how an item is unlinked under the parent's lock while it is on the child's list."""
    script = Script("kmemcg/list_lru", LOCKS="memcg", DELETERS="2")
    for name, up in (("parent", "NULL"), ("child", "parent")):
        script.thing(name, "Memcg", parent=up)
        items = "[item#0, item#1]" if name == "child" else "[]"
        script.thing(
            f"{name}->lru", "ListLruOne", list=items, nr_items="2" if up != "NULL" else "0"
        )
        script.thing(f"{name}->lru->lock", "SpinLock", owner="NULL")
    script.thing("cache#0", "Cache", memcg="child")
    for i in (0, 1):
        script.thing(f"item#{i}", "Item", cache="cache#0")
        script.process(f"CPU{i}", "list_lru_del", f"item#{i}", line=71)
    script.process("CPU2", "memcg_reparent_list_lru", "child", "parent", line=90)
    script.begin()

    def lock(cpu: str, memcg: str, line: int) -> None:
        with script.call(cpu, "spin_lock", f"&{memcg}->lru.lock", module="spinlock", line=line):
            script.step(
                cpu, "lock->owner = me", ("update", f"{memcg}->lru->lock", "owner", cpu), line=12
            )

    script.step(
        "CPU0", "memcg = cache#0->memcg", ("load", "cache#0", "memcg"), note="child", line=74,
        memcg="child",
    )  # fmt: skip
    lock("CPU0", "child", 75)
    script.step(
        "CPU0", "next = item#0->next", ("load", "child->lru", "list"), note="item#1", line=77
    )
    script.step("CPU2", "cache#0->memcg = parent", ("store", "cache#0", "memcg", "parent"), line=93)
    script.step(
        "CPU1", "memcg = cache#0->memcg", ("load", "cache#0", "memcg"), note="parent", line=74,
        memcg="parent",
    )  # fmt: skip
    lock("CPU1", "parent", 75)
    script.step(
        "CPU1", "list_del(item#1)", ("update", "child->lru", "list", "[item#0]"),
        note="on child's list, under parent's lock", line=77,
    )  # fmt: skip
    with script.call("CPU0", "__list_del", "item#0", "next", module="list", line=78):
        script.step(
            "CPU0", "next->prev = item#0->prev", ("update", "child->lru", "list", "[]"),
            note="next was unlinked", line=15,
        )  # fmt: skip
        return script.end(
            "list-corruption",
            "item#1 is not on child->lru.list any more",
            thing="child->lru",
            cause=7,
            source=1,
        )


def two_mutexes() -> Trace:
    """Say how two kworkers take cgroup_mutex and slab_mutex in opposite orders."""
    script = Script("kmemcg/kworkers")
    for name in ("cgroup_mutex", "slab_mutex"):
        script.globe(name, "Mutex", owner="NULL")
    script.process("kworker#0", "css_killed_work_fn", "child", line=20)
    script.process("kworker#1", "kmem_cache_destroy_work_fn", "cache#0", line=40)
    script.begin()
    orders = (("kworker#0", "cgroup_mutex"), ("kworker#1", "slab_mutex"))
    inner = {"kworker#0": "memcg_offline_kmem", "kworker#1": "shutdown_cache"}
    for name, mutex in orders:
        with script.call(name, "mutex_lock", f"&{mutex}", module="mutex", line=22):
            script.step(name, "lock->owner = me", ("update", mutex, "owner", name), line=9)
        script.enter(name, inner[name], "child" if name == "kworker#0" else "cache#0", line=24)
        script.step(name, f"nr = {mutex}.nr", ("load", mutex, "nr"), line=25)
    for (name, _), (_, mutex) in zip(orders, reversed(orders), strict=True):
        script.enter(name, "mutex_lock", f"&{mutex}", module="mutex", line=26)
        script.block(name)
    return script.end("deadlock", "no process can take a step")


def resurrected() -> Trace:
    """Say how a queued work's callback frees what four other CPUs still count on."""
    script = Script("kmemcg/css_lifecycle", PROCESSES="5", TRYGET="no")
    script.thing("css#0", "CgroupSubsysState", refs="1", dying="false")
    script.thing("objcg#0", "ObjCgroup", css="css#0")
    for i in range(4):
        script.process(f"CPU{i}", "obj_cgroup_charge_with_a_long_name", "objcg#0", f"{i}", line=30)
    script.process("rmdir", "cgroup_rmdir", "css#0", line=10)
    script.begin()
    script.step("rmdir", "css#0->dying = true", ("store", "css#0", "dying", "true"), line=12)
    for i in range(4):
        script.step(
            f"CPU{i}", "css = objcg#0->css", ("load", "objcg#0", "css"), note="css#0", line=32,
            css="css#0",
        )  # fmt: skip
    with script.call("rmdir", "css_put", "css#0", module="css", line=13):
        script.step(
            "rmdir", "css#0->refs -= 1", ("update", "css#0", "refs", "0"), note="last ref", line=40
        )
        with script.call(
            "rmdir", "queue_work", "&css#0->destroy_work", module="workqueue", line=41
        ):
            script.step("rmdir", "work->pending = true", line=15, ends=True, returned="true")
    script.process("kworker#0", "css_free_work_fn", "css#0", line=60)
    script.step("kworker#0", "css = container_of(work)", line=61)
    with script.call("CPU3", "css_tryget", "css#0", module="css", line=33):
        script.step(
            "CPU3", "refs = css#0->refs", ("load", "css#0", "refs"), returned="false", line=44
        )
    with script.call("CPU2", "css_get", "css#0", module="css", line=33):
        script.step("CPU2", "css#0->refs += 1", ("update", "css#0", "refs", "1"), line=48)
        return script.end(
            "ref-resurrect",
            "css#0->refs went from 0 to 1: the object is on its way to kfree()",
            thing="css#0",
            cause=6,
        )


def sleeps_under_a_spinlock() -> Trace:
    """Say how the last step is innocent, and the call after it is not."""
    script = Script("kmemcg/reparent_lists", LOCKS="memcg")
    script.thing("child", "Memcg", parent="NULL")
    script.thing("child->lock", "SpinLock", owner="NULL")
    script.thing("cache#0", "Cache", memcg="child")
    script.process("CPU0", "css_free", "child", line=50)
    script.begin()
    with script.call("CPU0", "spin_lock", "&child->lock", module="spinlock", line=51):
        script.step("CPU0", "owner = me", ("update", "child->lock", "owner", "CPU0"), line=9)
    script.step("CPU0", "cache#0->memcg = NULL", ("store", "cache#0", "memcg", "NULL"), line=52)
    script.enter("CPU0", "synchronize_rcu", module="rcu", line=53)
    message = "may sleep with preemption off"
    return script.end("sleep-in-atomic", message, frames=tuple(script.actors["CPU0"].frames))


def decided_twice() -> Trace:
    """Say how actions, which no process takes, decide two things."""
    script = Script("classic/two_phase_commit", MANAGERS="2")
    for i in (0, 1):
        script.thing(f"manager#{i}", "Manager", state="WORKING")
    script.begin()
    for i, state in ((0, "PREPARED"), (1, "PREPARED"), (0, "COMMITTED"), (1, "ABORTED")):
        name = f"rm_{state.lower()}"
        script.step(
            name, f"manager#{i}->state = {state}", ("store", f"manager#{i}", "state", state), line=9
        )
    return script.end("all_or_nothing", "all_or_nothing does not hold")


def freed_by_callback() -> Trace:
    """Say how a callback frees what was published again after its grace period began."""
    script = Script("kmemcg/objcg", LOOKUP="tryget")
    script.globe("rcu", "Rcu", readers="{}")
    script.globe("table", "Table", slot="objcg#0")
    script.thing("objcg#0", "ObjCgroup", refs="1")
    script.process("CPU0", "lookup", line=10)
    script.process("CPU1", "release", "objcg#0", line=30)
    script.begin()
    script.process("rcu_callback#0", "rcu_callback", "&objcg#0->rcu", line=80)
    script.actors["rcu_callback#0"].frames[:] = [
        script.frame("rcu_callback", ("&objcg#0->rcu",), "rcu", 80)
    ]
    with (
        script.call("CPU1", "call_rcu", "&objcg#0->rcu", "objcg_free", module="rcu", line=31),
        script.call("CPU1", "rcu_gp_begin", "rcu_callback#0", module="rcu", line=44),
    ):
        script.step("CPU1", "head->queued = true", ("load", "rcu", "readers"), line=45)
    read_lock(script, "CPU0")
    script.step(
        "CPU0", "objcg = table.slot", ("load", "table", "slot"), note="objcg#0", line=12,
        objcg="objcg#0",
    )  # fmt: skip
    script.step("CPU1", "table.slot = NULL", ("store", "table", "slot", "NULL"), line=32, ends=True)
    script.step("rcu_callback#0", "head->queued = false", note="grace period ends", line=82)
    with (
        script.call("rcu_callback#0", "objcg_free", "objcg#0", line=84),
        script.call("rcu_callback#0", "kfree", "objcg#0", module="slab", line=36),
    ):
        script.step("rcu_callback#0", "free(objcg#0)", ("free", "objcg#0"), line=20)
    script.step("CPU0", "objcg#0->refs += 1", ("update", "objcg#0", "refs", "2"), line=14)
    return script.end("use-after-free", "objcg#0 is freed", thing="objcg#0", cause=6, source=3)


def broken_from_the_start() -> Trace:
    """Say what a law looks like that the initial state breaks."""
    script = Script("classic/nothing")
    script.thing("kernel", "Kernel", turn="3")
    script.begin()
    return script.end("turn_is_a_cpu", "kernel->turn is 3", thing="kernel")


RUNS: dict[str, Callable[[], Trace]] = {
    run.__name__: run
    for run in (
        no_read_lock,
        no_grace_period,
        late_reader,
        uncharged_twice,
        wrong_list_lock,
        two_mutexes,
        resurrected,
        sleeps_under_a_spinlock,
        decided_twice,
        freed_by_callback,
        broken_from_the_start,
        spins_for_ever,
        wake_up_lost,
    )
}
