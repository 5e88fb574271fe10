"""The CPU0/CPU1 table of runs that the compiler tells: whose row stands under what."""

from __future__ import annotations

import pytest

from kmcheck.protocols import RenderOptions
from kmcheck.render.columns import RENDERER
from tests.told import table, traced

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
