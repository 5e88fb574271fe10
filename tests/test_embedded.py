"""What is told of an object that is reached through one embedded in it: a list's entry, a head."""

from __future__ import annotations

import pytest

from kmcheck.diagram import bars, draw
from kmcheck.diagram.shapes import Path, Rect
from kmcheck.explain import Arrow, explain, heap
from kmcheck.protocols import RenderOptions
from kmcheck.render.kasan import RENDERER as KASAN
from kmcheck.trace import Trace
from tests.told import traced

SPEC = """
from kmcheck.kernel.list import (
    INIT_LIST_HEAD, ListLink, list_add, list_del, list_del_rcu, list_first, list_guarded_by
)
from kmcheck.kernel.rcu import RcuHead, kfree_rcu, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import Object, container_of, process, setup, start


class Session(Object):
    node: ListLink
    rcu: RcuHead
    hits: int


class Bucket(Object):
    head: ListLink
    lock: SpinLock


bucket = Bucket()


@process
def lookup() -> None:
    {enter}
    link = list_first(bucket.head)
    if link is not None:
        s = container_of(link, Session, Session.node)
        {use}
    {leave}


@process
def logout(s: Session) -> None:
    spin_lock(bucket.lock)
    {unlink}
    spin_unlock(bucket.lock)
    {free}


@setup
def one() -> None:
    INIT_LIST_HEAD(bucket.head)
    list_guarded_by(bucket.head, bucket.lock)
    s = Session()
    list_add(s.node, bucket.head)
    start(lookup)
    start(logout, s)
"""


def session(*, section: bool, free: str, use: str = "s.hits += 1", unlink: str = "") -> Trace:
    """Return a run in which a session is freed while somebody else is at it."""
    text = SPEC.format(
        enter="rcu_read_lock()" if section else "pass",
        leave="rcu_read_unlock()" if section else "pass",
        use=use,
        unlink=unlink or "list_del_rcu(s.node)",
        free=free,
    )
    return traced(text, "use-after-free")


def reasons(trace: Trace) -> list[str]:
    return [reason.text for reason in explain(trace).reasons]


# --- the origin of the pointer ----------------------------------------------------------------


@pytest.mark.parametrize("section", [False, True])
def test_a_pointer_to_what_is_embedded_is_one_to_its_owner(section: bool) -> None:
    got = " inside an RCU read section" if section else ", in no RCU read section, with no lock"
    late = ", with no grace period" if section else ""
    assert reasons(session(section=section, free="kfree(s)")) == [
        f"CPU0 gets the pointer to s->node from bucket.head.next{got} (spec.py:28)",
        "CPU1 sets bucket.head.next to bucket.head (spec.py:38)",
        f"CPU1 frees s{late} (spec.py:40)",
    ]


def test_a_pointer_that_a_primitive_only_compares_is_none_that_the_caller_gets() -> None:
    """list_del() looks whether the neighbours of an entry lead to it: its caller has it already."""
    use = "spin_lock(bucket.lock); list_del(s.node); spin_unlock(bucket.lock); s.hits += 1"
    trace = session(section=False, free="kfree(s)", use=use, unlink="pass")
    deletes = [e for e in trace.events if any(f.function == "list_del" for f in e.frames)]
    loads = [a for e in deletes for a in e.accesses if a.what == "load" and a.after]
    assert any("s->node" in a.after.targets and a.thing != "s->node" for a in loads if a.after)
    (first,) = (e for e in trace.events if any(f.function == "list_first" for f in e.frames))
    assert trace.violation.source == first.number


def test_the_list_that_led_to_an_object_is_drawn_with_it() -> None:
    story = explain(session(section=True, free="kfree(s)"))
    found = heap(story)
    edge = Arrow("bucket", "head.next", "s")
    assert [edge in shot.arrows for shot in found.shots] == [True, True, False, False, False]
    shown = {bar.name: [segment.facts for segment in bar.segments] for bar in bars.bars(story)}
    assert list(shown) == ["s", "bucket"]
    assert shown["bucket"] == [("head.next = s->node",), ("head.next = bucket.head",)]


def test_kasan_tells_who_got_the_pointer() -> None:
    drawn = KASAN.render(session(section=True, free="kfree(s)"), RenderOptions())
    assert isinstance(drawn, str)
    lines = drawn.splitlines()
    at = lines.index("Pointer got by CPU0 in step 2:")
    assert lines[at + 2 : at + 4] == [
        " list_first(&bucket.head) (list.py:117)",
        " lookup() (spec.py:28)",
    ]


# --- what the kernel frees for somebody -------------------------------------------------------


def test_what_a_callback_frees_is_told_with_who_queued_it() -> None:
    trace = session(section=False, free="kfree_rcu(s, s.rcu)")
    story = explain(trace)
    told = "s was freed by rcu_callback (step 7), queued at spec.py:40"
    assert story.mark == f"use-after-free: {told}"
    assert reasons(trace)[2:] == [
        "CPU1 queues what frees s with kfree_rcu() (spec.py:40)",
        "the grace period of rcu_callback waits for nobody",
        "rcu_callback frees s (rcu.py:163)",
    ]
    assert story.missing is not None
    assert story.missing.label == ("no RCU read section here:", "the grace period does not wait")


def test_kasan_tells_who_queued_the_callback() -> None:
    drawn = KASAN.render(session(section=False, free="kfree_rcu(s, s.rcu)"), RenderOptions())
    assert isinstance(drawn, str)
    lines = drawn.splitlines()
    at = lines.index("Last potentially related work creation, by CPU1 in step 5:")
    assert [line.split("(")[0] for line in lines[at + 1 : at + 5]] == [
        " rcu_queue",
        " call_rcu",
        " kfree_rcu",
        " logout",
    ]
    assert lines[at + 3 : at + 5] == [
        " kfree_rcu(s, &s->rcu) (rcu.py:204)",
        " logout(s) (spec.py:40)",
    ]


def test_what_rcu_keeps_for_itself_has_no_bar() -> None:
    story = explain(session(section=False, free="kfree_rcu(s, s.rcu)"))
    assert [bar.name for bar in bars.bars(story)] == ["s", "bucket"]


WORK = """
from kmcheck.kernel.rcu_work import INIT_RCU_WORK, RcuWork, queue_rcu_work, to_rcu_work
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.workqueue import Work, Workqueue
from kmcheck.lang import Object, Ref, container_of, process, setup, start


class Memcg(Object):
    nr: int
    rwork: RcuWork


class Slot(Object):
    memcg: Ref[Memcg]


slot = Slot()
wq = Workqueue()


def memcg_free(work: Work) -> None:
    kfree(container_of(to_rcu_work(work), Memcg, Memcg.rwork))


@process
def charge() -> None:
    memcg = slot.memcg
    if memcg is not None:
        memcg.nr += 1


@process
def offline(memcg: Memcg) -> None:
    slot.memcg = None
    queue_rcu_work(wq, memcg.rwork)


@setup
def two() -> None:
    memcg = Memcg()
    INIT_RCU_WORK(memcg.rwork, memcg_free)
    slot.memcg = memcg
    start(charge)
    start(offline, memcg)
"""


def test_what_a_work_frees_that_a_callback_queued_is_told_by_the_call_in_the_spec() -> None:
    trace = traced(WORK, "use-after-free")
    assert explain(trace).mark.endswith(
        "by memcg_free at spec.py:22 (step 7), queued at spec.py:35"
    )
    assert "CPU1 queues what frees memcg#0 with queue_rcu_work() (spec.py:35)" in reasons(trace)


def test_what_a_worker_looks_at_before_it_calls_the_work_is_no_pointer_that_it_gets() -> None:
    text = WORK.replace("slot.memcg = memcg\n    start", "start").replace(
        "kfree(container_of(to_rcu_work(work), Memcg, Memcg.rwork))",
        "memcg = container_of(to_rcu_work(work), Memcg, Memcg.rwork)\n    kfree(memcg)\n"
        "    memcg.nr = 1",
    )
    trace = traced(text, "use-after-free")
    loads = [a for e in trace.events for a in e.accesses if e.process == trace.failing and a.after]
    assert any(a.thing.startswith("workers") and a.after and a.after.targets for a in loads)
    assert trace.violation.source is None


# --- arrows to the second object --------------------------------------------------------------


def test_an_arrow_passes_over_the_bars_of_other_objects_and_beside_what_they_say() -> None:
    shapes = draw(explain(session(section=True, free="kfree(s)"))).shapes
    (gap,) = (shape for shape in shapes if isinstance(shape, Path) and shape.style == "halo")
    at = shapes.index(gap)
    again = shapes[at + 1]
    assert isinstance(again, Path)
    assert (again.points, again.style) == (gap.points, "arrow read")
    (left, y), (right, _) = gap.points
    under = [s for s in shapes[:at] if isinstance(s, Rect) and s.style.startswith("bar ")]
    over = [s for s in shapes[at:] if isinstance(s, Rect) and s.style == "pill"]
    assert any(left < s.box.x and s.box.right < right and s.box.y < y < s.box.bottom for s in under)
    assert over
    assert not any(s.box.y <= y <= s.box.bottom and left < s.box.x < right for s in over)
