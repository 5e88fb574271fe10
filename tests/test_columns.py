"""The CPU0/CPU1 table of runs that the compiler tells: whose row stands under what."""

from __future__ import annotations

import re

import pytest

from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.explain import explain
from kmcheck.explain.order import spans
from kmcheck.protocols import RenderOptions
from kmcheck.render.columns import RENDERER
from kmcheck.trace import Trace
from kmcheck.verdict import Violated


def traced(text: str, violation: str = "") -> Trace:
    result = verify(Source("spec.py", text), Options(properties=(violation,) if violation else ()))
    found = [v.trace for v in result.verdicts if isinstance(v, Violated)]
    return found[0]


def table(trace: Trace, *, full: bool = False) -> list[str]:
    """Return the lines of the table, without numbers and indentation."""
    drawn = RENDERER.render(trace, RenderOptions(full))
    assert isinstance(drawn, str)
    return [re.sub(r"^\s*(\d+  )?\s*", "", line) for line in drawn.splitlines() if line.strip()]


# --- a call in a loop -------------------------------------------------------------------------

LOOP = """
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.lang import READ_ONCE, Object, process, setup, start


class Stat(Object):
    nr: int
    ready: int


stat = Stat()


{functions}


@process
def count() -> None:
    {body}


@setup
def one() -> None:
    start(count)
"""

ONE = """
def add(by: int) -> None:
    stat.nr = by
    assert stat.nr < 1
"""
READ = """
def look(i: int) -> None:
    rcu_read_lock()
    nr = stat.nr
    rcu_read_unlock()
    assert i < 1
"""
SAME = """
def until_ready() -> None:
    while READ_ONCE(stat.ready) < 1:
        stat.ready = 1


def more() -> None:
    stat.nr += 1
    assert stat.nr < 2
"""

LOOPS = {
    "other arguments": (
        ONE,
        "for i in range(2):\n        add(i)",
        ["add(0):", "stat.nr = 0", "stat.nr  /* 0 */", "add(1):", "stat.nr = 1"],
    ),
    "primitives inside": (
        READ,
        "for i in range(2):\n        look(i)",
        [
            *("look(0):", "rcu_read_lock()", "nr = stat.nr  /* 0 */", "rcu_read_unlock()"),
            *("look(1):", "rcu_read_lock()", "nr = stat.nr  /* 0 */", "rcu_read_unlock()"),
        ],
    ),
    "all that an endless loop does": (
        SAME,
        "while True:\n        more()",
        [
            *("more():", "stat.nr  /* 0 */", "stat.nr = 1", "stat.nr  /* 1 */"),
            *("more():", "stat.nr  /* 1 */", "stat.nr = 2", "stat.nr  /* 2 */"),
        ],
    ),
    "a loop of its own": (
        SAME,
        "until_ready()\n    more()\n    more()",
        [
            *("until_ready():", "stat.ready  /* 0 */", "stat.ready = 1", "stat.ready  /* 1 */"),
            *("more():", "stat.nr  /* 0 */", "stat.nr = 1", "stat.nr  /* 1 */", "more():"),
        ],
    ),
}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("functions", "body", "told"), LOOPS.values(), ids=LOOPS)
def test_each_turn_of_a_loop_is_a_call_of_its_own(
    functions: str, body: str, told: list[str], full: bool
) -> None:
    rows = table(traced(LOOP.format(functions=functions, body=body)), full=full)
    start = rows.index(told[0])
    assert rows[start : start + len(told)] == told


# --- the row that fails -----------------------------------------------------------------------

FREED = """
from kmcheck.kernel.list import INIT_LIST_HEAD, ListLink, list_add
from kmcheck.kernel.rcu import rcu_dereference
from kmcheck.kernel.refcount import Refcount, refcount_inc, refcount_set
from kmcheck.kernel.bitops import test_bit
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Annotated, Object, Ref, SetOf, process, setup, start


class Memcg(Object):
    ref: Refcount
    pages: ListLink
    bits: SetOf[Annotated[int, range(2)]]
    nr: int


class Slot(Object):
    memcg: Ref[Memcg]


slot = Slot()


@process
def offline(memcg: Memcg) -> None:
    INIT_LIST_HEAD(memcg.pages)
    kfree(memcg)


@process
def charge() -> None:
    memcg = slot.memcg
    {body}


@setup
def two() -> None:
    memcg = Memcg()
    refcount_set(memcg.ref, 1)
    slot.memcg = memcg
    start(offline, memcg)
    start(charge)
"""

FAILING = {
    "a field of the primitive's": (
        "refcount_inc(memcg.ref)",
        ["refcount_inc(&memcg#0->ref)"],
    ),
    "a field of the spec": ("memcg.nr = 1", ["memcg#0->nr = 1"]),
    "a field of the spec in a primitive": (
        "found = test_bit(1, memcg.bits)",
        ["test_bit(1, &memcg#0->bits):", "memcg#0->bits"],
    ),
}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("body", "told"), FAILING.values(), ids=FAILING)
def test_a_failing_row_does_not_show_what_a_primitive_keeps(
    body: str, told: list[str], full: bool
) -> None:
    rows = table(traced(FREED.format(body=body), "use-after-free"), full=full)
    bad = next(i for i, row in enumerate(rows) if row.startswith("***"))
    assert rows[bad - len(told) : bad] == told


def test_what_is_wrong_stands_in_the_column_of_the_process_that_fails() -> None:
    drawn = RENDERER.render(traced(FREED.format(body="memcg.nr = 1")), RenderOptions())
    assert isinstance(drawn, str)
    lines = drawn.splitlines()
    column, failing = lines[0].index("CPU1"), lines.index(next(x for x in lines if "->nr = 1" in x))
    assert lines[failing].index("memcg#0->nr") > column
    assert lines[failing + 1].index("***") > column
    wrong = " ".join(" ".join(lines[failing + 1 : failing + 3]).split())
    assert wrong == "*** use-after-free: memcg#0 was freed by offline at spec.py:27 (step 3)"


# --- what calls return ------------------------------------------------------------------------

RESULTS = """
from kmcheck.kernel.bitops import test_and_set_bit
from kmcheck.kernel.refcount import Refcount, refcount_dec_and_test, refcount_read, refcount_set
from kmcheck.kernel.slab import Gfp, kfree, kzalloc
from kmcheck.kernel.wait import WaitQueueHead, waitqueue_active
from kmcheck.lang import Annotated, Object, Ref, SetOf, add_return, cmpxchg, fetch_add, process
from kmcheck.lang import setup, start, test_and_set, xchg


class Memcg(Object, limit=1):
    ref: Refcount
    bits: SetOf[Annotated[int, range(2)]]
    busy: bool
    nr: int


class Slot(Object):
    memcg: Ref[Memcg]


slot = Slot()
wq = WaitQueueHead()


def put(memcg: Memcg) -> bool:
    return refcount_dec_and_test(memcg.ref)


@process
def count(n: int) -> None:
    {body}


@setup
def one() -> None:
    start(count, 2)
"""

GOT = "memcg = kzalloc(Memcg, Gfp.KERNEL)\n    if not memcg:\n        return\n    "
RETURNED = {
    "a local": (
        "active = waitqueue_active(wq)\n    assert active",
        ["active = waitqueue_active(wq)  /* false */"],
    ),
    "a condition": (
        f"{GOT}assert refcount_read(memcg.ref) == 1",
        [
            "memcg = kzalloc(Memcg, GFP_KERNEL)  /* memcg#0 */",
            "refcount_read(&memcg#0->ref)  /* 0 */",
        ],
    ),
    "nobody": (
        f"{GOT}refcount_set(memcg.ref, n)\n    refcount_dec_and_test(memcg.ref)\n    assert n < 2",
        ["refcount_set(&memcg#0->ref, 2)", "refcount_dec_and_test(&memcg#0->ref)  /* false */"],
    ),
    "a function around it": (
        f"{GOT}refcount_set(memcg.ref, n)\n    last = put(memcg)\n    assert last",
        ["put(memcg#0):", "refcount_dec_and_test(&memcg#0->ref)  /* false */"],
    ),
    "a bit": (
        f"{GOT}was = test_and_set_bit(1, memcg.bits)\n    assert was",
        ["was = test_and_set_bit(1, &memcg#0->bits)  /* false */"],
    ),
    "a failed try": (
        f"{GOT}if not test_and_set(memcg.busy):\n        assert not test_and_set(memcg.busy)",
        [
            "memcg#0->busy = true  /* test_and_set: false */",
            "memcg#0->busy  /* test_and_set: true */",
        ],
    ),
    "an exchange": (
        f"{GOT}xchg(slot.memcg, memcg)\n    assert xchg(slot.memcg, None) == None",
        ["slot.memcg = memcg#0  /* xchg: NULL */", "slot.memcg = NULL  /* xchg: memcg#0 */"],
    ),
    "sums": (
        f"{GOT}fetch_add(memcg.nr, n)\n    assert add_return(memcg.nr, n) < 3",
        ["memcg#0->nr += 2  /* fetch_add: 0 */", "memcg#0->nr = 4  /* add_return: 4 */"],
    ),
}


@pytest.mark.parametrize(("body", "told"), RETURNED.values(), ids=RETURNED)
def test_a_call_is_told_with_what_it_returns_and_to_whom(body: str, told: list[str]) -> None:
    rows = table(traced(RESULTS.format(body=body), "assertion"))
    assert [row for row in rows if row in told] == told


def test_an_atomic_step_of_that_name_is_no_exchange() -> None:
    body = f"{GOT}with atomic('xchg'):\n        memcg.nr = n\n    assert n < 2"
    text = RESULTS.replace("add_return,", "add_return, atomic,").format(body=body)
    assert "memcg#0->nr = 2  /* xchg */" in table(traced(text, "assertion"))


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


# --- what is left out -------------------------------------------------------------------------

GIVEN = """
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, process, setup, start


class Memcg(Object):
    nr: int


class Node(Object):
    memcg: Ref[Memcg]


class Slot(Object):
    node: Ref[Node]
    nr: int


slot = Slot()


def use(node: Node) -> None:
    memcg = node.memcg
    memcg.nr = 1


@process
def charge(node: Node) -> None:
    slot.nr = 1
    slot.node = node
    slot.nr = 2
    use(slot.node)


@process
def offline(memcg: Memcg) -> None:
    kfree(memcg)


@setup
def two() -> None:
    memcg = Memcg()
    start(charge, Node(memcg=memcg))
    start(offline, memcg)
"""


def test_it_is_told_where_the_argument_of_a_call_that_matters_comes_from() -> None:
    rows = table(traced(GIVEN, "use-after-free"))
    told = ["slot.node = node#0", "slot.node  /* node#0 */", "use(node#0):"]
    start = rows.index(told[0])
    assert rows[start : start + 3] == told
    assert not [row for row in rows if "slot.nr" in row]
