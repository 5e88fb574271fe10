"""What a row says of a step, and what a property that fails says of the state."""

import pytest

from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.explain import explain
from kmcheck.trace import Trace
from kmcheck.verdict import Violated
from tests import told

COUNT = """
from kmcheck.lang import Object, atomic, cmpxchg, finally_, process, setup, start


class Stat(Object):
    nr: int
    wanted: int


stat = Stat(wanted=2)


@process
def count() -> None:
    {body}


@setup
def two() -> None:
    start(count)
    start(count)


@finally_
def nothing_is_lost() -> bool:
    return stat.nr == stat.wanted
"""


def traced(body: str) -> Trace:
    result = verify(Source("spec.py", COUNT.format(body=body)), Options())
    (violated,) = [v for v in result.verdicts if isinstance(v, Violated)]
    return violated.trace


def test_an_increment_in_two_steps_is_told_as_a_load_and_a_store() -> None:
    trace = traced("stat.nr += 1")
    assert [e.text for e in trace.events] == ["stat.nr", "stat.nr", "stat.nr = 1", "stat.nr = 1"]


def test_an_increment_in_one_step_is_told_as_one() -> None:
    trace = traced('with atomic("twice"):\n        stat.nr += 2')
    assert [e.text for e in trace.events] == ["stat.nr += 2", "stat.nr += 2"]


def test_a_property_that_fails_tells_what_it_read() -> None:
    message = "nothing_is_lost does not hold: stat.nr = 1, stat.wanted = 2"
    assert traced("stat.nr += 1").violation.message == message


def test_a_cmpxchg_is_told_as_one_whether_it_swaps_or_not() -> None:
    trace = traced("cmpxchg(stat.nr, 0, 1)")
    told = [(e.text, e.note) for e in trace.events]
    assert told == [("stat.nr = 1", "cmpxchg"), ("stat.nr", "cmpxchg leaves 1")]


SLOTS = """
from kmcheck.kernel.rcu import synchronize_rcu
from kmcheck.lang import Annotated, ArrayOf, Object, Ref, always, pause, process, setup, start
from kmcheck.lang import within


class Node(Object):
    nr: int


class Table(Object):
    slots: Annotated[ArrayOf[Ref[Node]], 2]


table = Table()


def enter() -> None:
    pause("inside")


@process
def fill(node: Node, at: bool) -> None:
    if at:
        table.slots[1] = node
    else:
        table.slots[0] = node
    synchronize_rcu()
    enter()


@setup
def two() -> None:
    node = Node()
    start(fill, node, False)
    start(fill, node, True)


@always
def one_at_a_time() -> bool:
    return len(within(enter)) <= 1
"""


def test_an_element_is_stored_alone_and_who_is_inside_is_named() -> None:
    result = verify(Source("spec.py", SLOTS), Options())
    (trace,) = [v.trace for v in result.verdicts if isinstance(v, Violated)]
    told = {e.text for e in trace.events}
    assert {"table.slots[0] = node#0", "table.slots[1] = node#0"} <= told
    message = "one_at_a_time does not hold: CPU0 and CPU1 are inside of enter()"
    assert trace.violation.message == message


def test_variables_of_primitives_are_not_shown() -> None:
    result = verify(Source("spec.py", SLOTS), Options())
    (trace,) = [v.trace for v in result.verdicts if isinstance(v, Violated)]
    views = [view for event in trace.events for view in event.after.processes]
    assert {name for view in views for name, _ in view.variables} == {"node", "at"}


LATE = """
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.lang import Counter, Object, Ref, Size, atomic, free, process, setup, start


class Memcg(Object):
    usage: Counter


class Page(Object):
    memcg: Ref[Memcg]
    size: Size


@process
def charge(page: Page) -> None:
    rcu_read_lock()
    memcg = page.memcg
    rcu_read_unlock()
    with atomic("all at once"):
        nr_pages = page.size
        memcg.usage.add(nr_pages)


@process
def kill(memcg: Memcg) -> None:
    free(memcg)


@setup
def two() -> None:
    memcg = Memcg()
    start(charge, Page(memcg=memcg))
    start(kill, memcg)
"""


def late() -> Trace:
    result = verify(Source("spec.py", LATE), Options())
    (violated,) = [v for v in result.verdicts if isinstance(v, Violated)]
    return violated.trace


def test_a_step_that_fails_is_told_with_what_it_has_read_itself() -> None:
    assert late().events[-1].text == "memcg#0->usage += size(page#0)"


def test_a_read_section_that_has_ended_is_not_told_as_none() -> None:
    (source,) = [r.text for r in explain(late()).reasons if "gets the pointer" in r.text]
    assert " inside an RCU read section that ends before the use " in source


ALIVE = """
from kmcheck.kernel.rcu import rcu_read_lock
from kmcheck.kernel.slab import Gfp, kfree, kmalloc
from kmcheck.lang import Object, Process, SetOf, alive, finally_, me, process, setup, start


class Buf(Object, limit=2):
    n: int


class Dev(Object):
    flag: bool
    users: SetOf[Process]


dev = Dev()


@process
def user() -> None:
    {body}


@process
def other() -> None:
    dev.flag = True


@setup
def two() -> None:
    {first}
    start(user)
    start(other)


@finally_
def as_it_should_be() -> bool:
    return len(alive(Buf)) {wanted}
"""


def ends(body: str, wanted: str, first: str = "pass") -> Trace:
    return told.traced(ALIVE.format(body=body, wanted=wanted, first=first))


@pytest.mark.parametrize(
    ("spec", "said", "why"),
    [
        (
            ("b = kmalloc(Buf, Gfp.KERNEL)\n    c = kmalloc(Buf, Gfp.KERNEL)", "<= 1"),
            "{buf#0, buf#1}",
            [
                "CPU0 allocates buf#0 in kmalloc() (spec.py:21)",
                "CPU0: c = kmalloc(Buf, GFP_KERNEL) (spec.py:22); behind it no run avoids this",
            ],
        ),
        (
            ("pass", "== 0", "b = Buf()"),
            "{b}",
            ["no step frees b: it is there from the start"],
        ),
        (
            ("b = Buf()\n    kfree(b)", "== 1"),
            "{}",
            ["CPU0 frees buf#0 in kfree() (spec.py:22)"],
        ),
    ],
    ids=["allocated", "there from the start", "freed"],
)
def test_a_property_of_what_is_alive_tells_what_is_and_nothing_else(
    spec: tuple[str, ...], said: str, why: list[str]
) -> None:
    trace = ends(*spec)
    assert trace.violation.message == f"as_it_should_be does not hold: alive(Buf) = {said}"
    assert [reason.text for reason in explain(trace).reasons] == why


def test_an_allocation_is_told_by_the_function_that_zeroes_or_does_not() -> None:
    trace = ends("b = kmalloc(Buf, Gfp.KERNEL)\n    c = Buf(n=1)", "<= 1")
    texts = [event.text for event in trace.events]
    assert [text for text in texts if "alloc(" in text] == [
        "buf#0 = kmalloc(buf)",
        "buf#1 = kzalloc(buf); buf#1->n = 1",
    ]


def test_a_set_that_a_primitive_keeps_is_no_list() -> None:
    trace = ends("rcu_read_lock(); dev.users.add(me())", "== 1")
    texts = [event.text for event in trace.events if event.process == "CPU0"]
    assert texts == ["/* CPU0 joins rcu_state.readers */", "list_add(CPU0, &dev.users)"]


@pytest.mark.parametrize("sign", ["+", "-"])
def test_a_change_by_nothing_is_told_with_the_operator_of_the_spec(sign: str) -> None:
    trace = traced(f'by = stat.nr\n    with atomic("by"):\n        stat.nr {sign}= by')
    assert trace.events[-1].text == f"stat.nr {sign}= 0"
