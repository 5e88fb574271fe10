"""The sentences below a table, of runs that the compiler tells: sections, and who waits where."""

from __future__ import annotations

import pytest

from kmcheck.explain import explain
from kmcheck.explain.order import spans
from kmcheck.trace import Trace
from tests.told import traced

# --- sections ---------------------------------------------------------------------------------

SECTION = """
from kmcheck.kernel.irq import (
    local_bh_disable, local_bh_enable, local_irq_disable, local_irq_enable
)
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock, synchronize_rcu
from kmcheck.kernel.rwlock import RwLock, read_lock, read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import Object, Ref, process, setup, start


class Memcg(Object):
    nr: int


class Slot(Object):
    memcg: Ref[Memcg]
    lock: SpinLock
    rwlock: RwLock


slot = Slot()


@process
def charge() -> None:
    {enter}
    memcg = slot.memcg
    {leave}
    if memcg:
        memcg.nr = 1


@process
def offline(memcg: Memcg) -> None:
    slot.memcg = None
    synchronize_rcu()
    kfree(memcg)


@setup
def two() -> None:
    memcg = Memcg()
    slot.memcg = memcg
    start(charge)
    start(offline, memcg)
"""


def section(enter: str, leave: str) -> Trace:
    """Return a run in which a pointer is used behind the section in which it was loaded."""
    return traced(SECTION.format(enter=enter, leave=leave), "use-after-free")


def sections(trace: Trace) -> list[tuple[str, str, str]]:
    """Return what each section is of, and the calls with which it begins and ends."""
    calls = [event.frames[1].function if event.frames[1:] else "" for event in trace.events]
    found = [span for span in spans(trace) if span.sort == "read"]
    return [(s.what, calls[s.first], "" if s.last is None else calls[s.last]) for s in found]


@pytest.mark.parametrize("what", ["preempt", "local_irq", "local_bh"])
def test_who_has_preemption_off_is_in_a_section_that_rcu_waits_for(what: str) -> None:
    trace = section(f"{what}_disable()", f"{what}_enable()")
    assert sections(trace) == [(f"{what}_disable", f"{what}_disable", f"{what}_enable")]
    (got,) = [r.text for r in explain(trace).reasons if "gets the pointer" in r.text]
    assert f" inside a section of {what}_disable() that ends before the use " in got


def test_a_section_is_over_when_the_outermost_of_all_is_left() -> None:
    enter, leave = (
        "preempt_disable()\n    rcu_read_lock()",
        "rcu_read_unlock()\n    preempt_enable()",
    )
    trace = section(enter, leave)
    assert sections(trace) == [("preempt_disable", "preempt_disable", "preempt_enable")]


def test_who_holds_a_spinlock_is_told_by_the_lock() -> None:
    assert sections(section("spin_lock(slot.lock)", "spin_unlock(slot.lock)")) == []


def test_a_reader_of_a_lock_that_leaves_it_is_still_in_its_section() -> None:
    enter = "rcu_read_lock()\n    read_lock(slot.rwlock)\n    read_unlock(slot.rwlock)"
    trace = section(enter, "rcu_read_unlock()")
    assert sections(trace) == [("RCU", "rcu_read_lock", "rcu_read_unlock")]


# --- who waits --------------------------------------------------------------------------------

LOST = """
from kmcheck.kernel.rcu import RcuHead, call_rcu, rcu_read_lock
from kmcheck.kernel.wait import WaitQueueHead, wait_event
from kmcheck.lang import Object, eventually, pause, process, setup, start, wait_until


class Memcg(Object):
    dead: bool
    seen: bool
    head: RcuHead


memcg = Memcg()
wq = WaitQueueHead()


def is_dead(memcg: Memcg) -> bool:
    return memcg.dead


def until_seen() -> None:
    wait_until(memcg.seen, "seen")


def done(head: RcuHead) -> None:
    pass


@process
def kill() -> None:
    wait_event(wq, is_dead, memcg)


@process
def wait() -> None:
    until_seen()


{more}


@setup
def two() -> None:
    start(kill)
    start(wait)
    {also}
"""
WAITING = [
    "CPU0 waits in wait_event(wq, memcg) (spec.py:31)",
    "CPU1 waits in until_seen() (spec.py:22)",
]


def test_a_deadlock_tells_where_each_process_waits_by_the_spec() -> None:
    story = explain(traced(LOST.format(more="", also=""), "deadlock"))
    assert [r.text for r in story.reasons if "waits in" in r.text] == WAITING


def test_what_never_comes_is_told_with_where_each_process_waits() -> None:
    more = (
        "@process\ndef go_on() -> None:\n    while True:\n        pause()\n\n\n"
        "@eventually\ndef ends() -> bool:\n    return memcg.seen\n"
    )
    message = traced(LOST.format(more=more, also="start(go_on)"), "ends").violation.message
    told = ", ".join(WAITING).replace("CPU1", "CPU2")  # those that act have the first numbers
    assert message == f"ends never becomes true: {told}"


def test_a_process_of_the_kernel_waits_nowhere_in_the_spec() -> None:
    more = (
        "@process\ndef queue() -> None:\n    rcu_read_lock()\n"
        "    call_rcu(memcg.head, done)\n    until_seen()\n"
    )
    story = explain(traced(LOST.format(more=more, also="start(queue)"), "deadlock"))
    found = [r.text for r in story.reasons if "waits in rcu_callback" in r.text]
    assert found == ["rcu_callback waits in rcu_callback(&memcg.head)"]


# --- what makes a context atomic, and what is left published -----------------------------------

ATOMIC = """
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.rcu import RcuHead, call_rcu, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import Object, process, setup, start


class Glob(Object):
    mutex: Mutex
    lock: SpinLock
    head: RcuHead
    n: int


g = Glob()


def callback(head: RcuHead) -> None:
    mutex_lock(g.mutex)
    mutex_unlock(g.mutex)


@process
def one() -> None:
    g.n = 1
    {body}


@setup
def begin() -> None:
    start(one)
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("rcu_read_lock()\n    mutex_lock(g.mutex)", "CPU0 enters an RCU read section"),
        ("spin_lock(g.lock)\n    mutex_lock(g.mutex)", "CPU0 takes g.lock"),
        (
            "call_rcu(g.head, callback)",
            "rcu_callback runs the callback in softirq, where nothing may sleep",
        ),
    ],
)
def test_what_may_not_sleep_is_told_with_what_makes_it_atomic(body: str, told: str) -> None:
    story = explain(traced(ATOMIC.format(body=body), "sleep-in-atomic"))
    (reason,) = [r.text for r in story.reasons]
    assert told in reason


PUBLISHED = """
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, process, setup, start, wait_until


class Thing(Object):
    n: int


class Glob(Object):
    thing: Ref[Thing]
    is_gone: bool


g = Glob()


@process
def user() -> None:
    wait_until(g.is_gone)
    rcu_read_lock()
    thing = g.thing
    thing.n = 1
    rcu_read_unlock()


@process
def killer(thing: Thing) -> None:
    kfree(thing)
    g.is_gone = True


@setup
def begin() -> None:
    g.thing = Thing()
    start(user)
    start(killer, g.thing)
"""


def test_a_pointer_that_is_loaded_after_the_free_was_left_there() -> None:
    story = explain(traced(PUBLISHED, "use-after-free"))
    (got,) = [r.text for r in story.reasons if "gets the pointer" in r.text]
    assert "from g.thing, which still leads there after the free in step 1 (" in got
    assert "read section" not in got  # it could not have helped
