"""Runs that never end: one that goes round, and one that rests."""

from __future__ import annotations

from dataclasses import replace

from kmcheck.trace import Trace
from tests.traces import Script


def spins_for_ever() -> Trace:
    """Say how a reader tries a dying css again and again, and the killer waits for the reader."""
    script = Script("kmemcg/tryget_loop", TRYGET="yes")
    script.globe("rcu", "Rcu", readers="{}")
    script.thing("child", "Memcg", dying="false")
    script.thing("cache#0", "Cache", memcg="child")
    script.process("CPU0", "charge", "cache#0", line=20)
    script.process("CPU1", "rmdir", "child", line=40)
    script.begin()
    with script.call("CPU0", "rcu_read_lock", module="rcu", line=21):
        script.step("CPU0", "rcu_enter()", ("update", "rcu", "readers", "{CPU0}"), line=86)
    script.step("CPU1", "child->dying = true", ("store", "child", "dying", "true"), line=41)
    script.enter("CPU1", "synchronize_rcu", module="rcu", line=42)
    script.step("CPU1", "grace period begins", line=43)
    script.block("CPU1")
    for text, thing, field in (
        ("memcg = cache#0->memcg", "cache#0", "memcg"),
        ("child->dying", "child", "dying"),
    ):
        script.step("CPU0", text, ("load", thing, field), line=22)
    told = script.end(
        "livelock", "CPU0 goes round for ever and never ends; CPU1 waits in synchronize_rcu()"
    )
    return replace(told, loop_at=3)


def wake_up_lost() -> Trace:
    """Say how the last putter has looked at the wait queue before there was a sleeper."""
    script = Script("kmemcg/lost_wakeup", CHECK_AFTER="no")
    script.globe("memcg_wq", "WaitQueueHead", head="{}")
    script.thing("memcg#0", "Memcg", refs="1")
    script.process("CPU0", "put", "memcg#0", line=20)
    script.process("CPU1", "kill", "memcg#0", line=40)
    script.begin()
    with script.call("CPU0", "waitqueue_active", "memcg_wq", module="wait", line=21):
        script.step("CPU0", "memcg_wq.head", ("load", "memcg_wq", "head"), line=70)
    script.enter("CPU1", "wait_event", "memcg_wq", "memcg#0", module="wait", line=41)
    script.step(
        "CPU1", "list_add(CPU1, &memcg_wq.head)", ("update", "memcg_wq", "head", "{CPU1}"),
        note="on the wait queue", line=44,
    )  # fmt: skip
    script.step(
        "CPU0", "memcg#0->refs -= 1", ("update", "memcg#0", "refs", "0"), line=22, ends=True
    )
    script.block("CPU1")
    told = script.end("memcg_is_freed", "memcg_is_freed never becomes true: CPU1 waits")
    return replace(told, loop_at=3)
