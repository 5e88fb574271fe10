"""Telling a run: which rows, whose, and why it went wrong."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import graphviz
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmcheck.explain import Story, changes, explain, heap, plain, wrapped
from kmcheck.explain.order import spans
from kmcheck.explain.why import evaluate
from kmcheck.film import film
from kmcheck.protocols import RenderOptions
from kmcheck.render.columns import RENDERER
from kmcheck.store import read
from kmcheck.trace import Trace
from tests.designs import SHIPPED
from tests.runs import RUNS
from tests.strategies import traces

COUNTEREXAMPLES = Path(__file__).parent.parent / "counterexamples"

SLICES = {
    "no_read_lock": [2, 6, 7, 9, 10],
    "no_grace_period": [1, 3, 7, 8, 9],
    "late_reader": [2, 3, 5, 7, 11, 12, 13],
    "wrong_list_lock": [1, 2, 3, 4, 5, 6, 7, 8],
    "two_mutexes": [1, 3],
    "resurrected": [1, 4, 6, 10],
}


def numbers(story: Story) -> list[int]:
    return [row.number for row in story.rows if row.number is not None]


@pytest.mark.parametrize(("run", "kept"), SLICES.items(), ids=SLICES.keys())
def test_only_steps_that_touch_or_order_the_failing_object_are_told(
    run: str, kept: list[int]
) -> None:
    assert numbers(explain(RUNS[run]())) == kept


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces(), full=st.booleans())
def test_a_step_is_told_once_and_in_its_turn(trace: Trace, full: bool) -> None:
    story = explain(trace, full=full)
    told = [index for row in story.rows for index in row.events]
    assert sorted(told) == sorted(set(told))
    assert [row.events[0] for row in story.rows if row.events] == sorted(
        row.events[0] for row in story.rows if row.events
    )
    if full:
        assert numbers(story) == [event.number for event in trace.events]
    elif trace.events and trace.violation.kind != "deadlock":
        assert len(trace.events) - 1 in told


GET_FIRST = COUNTEREXAMPLES / "kmemcg/page_owner/GET_FIRST=no/ref-resurrect.json"


def stored() -> list[Path]:
    every = sorted(COUNTEREXAMPLES.rglob("*.json"))
    return [path for path in every if not SHIPPED & set(path.parts)]


@pytest.mark.parametrize("path", stored(), ids=lambda path: path.parent.name)
def test_every_step_that_a_sentence_cites_has_a_row_of_its_own(path: Path) -> None:
    trace = read(path.read_text("utf-8"))
    story = explain(trace)
    assert {r.number for r in story.reasons if r.number is not None} <= set(numbers(story))
    assert numbers(explain(trace, full=True)) == [event.number for event in trace.events]


def test_a_row_of_several_steps_has_the_comment_of_the_one_that_it_numbers() -> None:
    rows = [r for r in explain(read(GET_FIRST.read_text("utf-8"))).rows if r.process == "CPU2"]
    first, grace = [row for row in rows if row.number is not None][:2]
    assert (first.number, first.text) == (1, "cgroup_rmdir(&memcg#0->css)")
    assert first.note == "rmdir: css is dying"
    assert (grace.number, grace.text) == (2, "synchronize_rcu()")
    assert grace.note == "no reader to wait for"


def test_a_step_of_a_primitive_is_told_by_its_label_and_not_by_what_it_keeps() -> None:
    told = [row.text for path in stored() for row in explain(read(path.read_text("utf-8"))).rows]
    private = ("running = ", "rcu_state", ".pending = ", ".owner = ", "queued = ")
    assert [text for text in told if any(word in text for word in private)] == []


@pytest.mark.parametrize("path", stored(), ids=lambda path: path.parent.name)
def test_every_violation_is_explained_below_its_table(path: Path) -> None:
    assert explain(read(path.read_text("utf-8"))).reasons


SENTENCES = {
    "page_owner/GET_FIRST=no/ref-resurrect": [
        "15 CPU1 drops the last reference, memcg#0->css.refcnt.refs, in css_put() (page_owner.py)",
    ],
    "reparent_lists/LOCKS=memcg/guard-violation": [
        "2 CPU1 sets cache#0->memcg to parent (reparent_lists.py)",
        "4 CPU0 gets the pointer to parent from cache#0->memcg (reparent_lists.py)",
        "5 CPU0 takes parent->lru.lock (reparent_lists.py)",
        "6 child->lru.lock is needed, and nobody holds it; CPU0 holds parent->lru.lock",
    ],
    "reparent_lists/ORDER=splice_first/stranded-object": [
        "9 CPU0 sets child->lru.items to {new->d_lru} in list_lru_add() (reparent_lists.py)",
    ],
    "reparent_charge/CLEAR_SLOT=no/stale-index": [
        "16 css_release sets root_cache.id_is_taken to false (reparent_charge.py)",
        "  no step changes root_cache.slot: it is cache#0 from the start",
    ],
    "reparent_charge/LOOKUP=tryget_online/deadlock": [
        "1 CPU0 enters an RCU read section (reparent_charge.py)",
        "2 CPU1: cgroup_rmdir(&child->css) (reparent_charge.py); behind it no run avoids this",
        "3 the grace period of CPU1 waits for CPU0",
        "  CPU0 waits in get_memcg_of(cache#0) (reparent_charge.py)",
        "  CPU1 waits in cgroup_rmdir(&child->css) (reparent_charge.py)",
    ],
    "dangling_caches/OBJECTS=0,CLEAR_ONCE=no/ref-underflow": [
        "6 CPU1 raises memcg#0->css.refcnt.refs to 2 in css_get() (dangling_caches.py)",
        "16 CPU1 lowers memcg#0->css.refcnt.refs to 1 in css_put() (dangling_caches.py)",
        (
            "24 CPU1 drops the last reference, memcg#0->css.refcnt.refs, in cgroup_rmdir() "
            "(dangling_caches.py)"
        ),
    ],
    "kmem_cache_refcnt/PIN_PARENT=no/no_reference_is_lost": [
        "37 kworker#1 lowers parent->css.refcnt.refs to 1 in css_put() (kmem_cache_refcnt.py)",
        "48 css_release drops the last reference, parent->css.refcnt.refs, in css_put() (css.py)",
        "56 css_release#1 frees parent (kmem_cache_refcnt.py)",
        "  no step changes root_cache.parent: it is parent from the start",
    ],
    "list_lru_memcg_locks/RCU_FREE=no/free-while-held": [
        "16 CPU0 gets the pointer to mlru from lists.slots in xa_load() (list_lru_memcg_locks.py)",
        "17 CPU0 takes mlru->node.lock (list_lru_memcg_locks.py)",
        (
            "19 CPU1 frees mlru while CPU0 holds mlru->node.lock, with no grace period since CPU0 "
            "began to read in step 13 (list_lru_memcg_locks.py)"
        ),
    ],
    "list_lru_memcg_locks/MARK_DEAD=no/guard-violation": [
        (
            "9 CPU1 sets old->d_lru.on to top->node in memcg_reparent_list_lru_one() "
            "(list_lru_memcg_locks.py)"
        ),
        "16 CPU0 gets the pointer to mlru from lists.slots in xa_load() (list_lru_memcg_locks.py)",
        "17 CPU0 takes mlru->node.lock (list_lru_memcg_locks.py)",
        "19 top->node.lock is needed, and nobody holds it; CPU0 holds mlru->node.lock",
    ],
    "obj_cgroup_stock/HOLD=no/warning": [
        "8 CPU0 lowers objcg->refcnt.refs to 1 in refcount_dec_and_test() (obj_cgroup_stock.py)",
        (
            "21 rcu_callback drops the last reference, objcg->refcnt.refs, in "
            "refcount_dec_and_test() (obj_cgroup_stock.py)"
        ),
        "  no step changes objcg->nr_charged_bytes: it is 1 from the start",
    ],
    "tryget_loop/livelock": [
        "2 CPU0 enters an RCU read section (tryget_loop.py)",
        "4 CPU1 sets child->css.dying to true in kill_css() (tryget_loop.py)",
        "5 the grace period of CPU1 waits for CPU0",
        (
            "  CPU0 goes round in steps 6-7, and no step of it changes what it reads: "
            "child->css.dying and s->memcg"
        ),
        (
            "  nobody else can take a step: CPU1 waits in css_confirm_kill(&child->css) "
            "(tryget_loop.py)"
        ),
    ],
    "lru_folios/RECHECK=no/guard-violation": [
        "4 CPU0 gets the pointer to child from objcg->memcg (lru_folios.py)",
        "10 CPU1 sets folio#0->lruvec to parent->lruvec (lru_folios.py)",
        "16 CPU0 takes child->lruvec.lru_lock (lru_folios.py)",
        (
            "17 parent->lruvec.lru_lock is needed, and nobody holds it; "
            "CPU0 holds child->lruvec.lru_lock"
        ),
    ],
    "list_lru_lazy/REDIRECT_FIRST=no/null-deref": [
        "18 CPU1 sets xa.slots to [listlrumemcg#1, NULL] (list_lru_lazy.py)",
    ],
    "kmem_cache_refcnt/DEFER=no/sleep-in-atomic": [
        (
            "24 kworker calls call_rcu(): rcu_callback#1 runs the callback in softirq, "
            "where nothing may sleep (kmem_cache_refcnt.py)"
        ),
    ],
    "page_pins_css/CLEAR_SLOT=no/stale-index": [
        "21 css_release frees s (page_pins_css.py)",
        "  no step changes child->slot: it is s from the start",
    ],
    "clear_backpointer/CLEAR_TO=null/null-deref": [
        "4 CPU1 sets s->memcg to NULL (clear_backpointer.py)",
    ],
}


@pytest.mark.parametrize(("run", "told"), SENTENCES.items(), ids=SENTENCES.keys())
def test_a_sentence_says_who_made_a_field_what_it_is(run: str, told: list[str]) -> None:
    story = explain(read((COUNTEREXAMPLES / "kmemcg" / f"{run}.json").read_text("utf-8")))
    found = [f"{r.number or ' '} {r.text}" for r in story.reasons]
    assert [re.sub(r"\.py:\d+", ".py", text) for text in found] == told


def test_the_put_that_drops_the_last_reference_says_so() -> None:
    rows = explain(read(GET_FIRST.read_text("utf-8"))).rows
    assert [row.number for row in rows if row.note == "last ref"] == [15]
    assert [(r.text, r.note) for r in rows if r.number == 15] == [
        ("css_put(&memcg#0->css)", "last ref")
    ]


@given(st.text())
def test_plain_text_is_printable_ascii_on_one_line(text: str) -> None:
    assert plain(text).isascii()
    assert plain(text) == "" or plain(text).isprintable()
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (40, ["css_offline(&memcg#0->css, parent):"]),
        (26, ["css_offline(&memcg#0->css,", "    parent):"]),
        (20, ["css_offline(", "    &memcg#0->css,", "    parent):"]),
        (14, ["css_offline(", "    &memcg#0", "    ->css,", "    parent):"]),
        (12, ["css_offline(", "    &memcg#0", "    ->css,", "    parent):"]),
    ],
)
def test_a_long_name_is_broken_where_c_could_be(width: int, lines: list[str]) -> None:
    assert wrapped("css_offline(&memcg#0->css, parent):", width, hang="    ") == lines
    assert wrapped("kmem_cache_destroy", 12) == ["kmem_cache_", "destroy"]


@given(st.text(), st.integers(8, 60), st.integers(0, 8))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int, hang: int) -> None:
    lines = wrapped(plain(text), width, hang=" " * hang)
    assert "".join(lines).replace(" ", "") == plain(text).replace(" ", "")
    assert all(len(line) <= max(width, hang + 8) for line in lines)


def test_a_call_is_indented_by_its_depth_however_long_its_name_is() -> None:
    drawn = RENDERER.render(read(GET_FIRST.read_text("utf-8")), RenderOptions())
    assert isinstance(drawn, str)
    outer, inner = (
        next(line.index(name) for line in drawn.splitlines() if name in line)
        for name in ("css_killed_work_fn(", "kmem_cgroup_css_offline(")
    )
    assert inner == outer + 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("size(page#0)", 2),
        ("-size(page#0)", -2),
        ("size(page#0) - size(page#1)", 1),
        ("2*size(page#0) + 3 * size(page#1) - 4", 3),
        ("size(page#1)*3", 3),
        ("0", 0),
        ("size(page#2)", None),
        ("child", None),
        ("", 0),
    ],
)
def test_a_sum_of_sizes_is_evaluated(text: str, value: int | None) -> None:
    assert evaluate(text, {"page#0": 2, "page#1": 1}) == value


def test_sizes_that_break_a_law_are_put_into_its_counters() -> None:
    reasons = explain(RUNS["uncharged_twice"]()).reasons
    sums = "parent->kmem.usage = size(page#0) - size(page#1) = -1"
    assert [reason.text for reason in reasons] == [f"page#0 = 1, page#1 = 2: {sums}"]


def test_a_grace_period_waits_for_the_readers_that_were_there_before_it() -> None:
    found = [span for span in spans(RUNS["late_reader"]()) if span.sort == "grace"]
    assert [span.waits_for for span in found] == [("CPU1",)]


def test_a_lock_is_held_from_the_step_that_took_it() -> None:
    found = [(s.process, s.what, s.first, s.last) for s in spans(RUNS["two_mutexes"]())]
    assert found == [("kworker#0", "cgroup_mutex", 0, None), ("kworker#1", "slab_mutex", 2, None)]


def test_what_is_embedded_is_freed_with_its_container_without_a_word() -> None:
    events = RUNS["no_read_lock"]().events
    found = changes(events[7].after, events[8].after)
    assert [(change.sort, change.owner) for change in found] == [
        ("free", "child"),
        ("end", "css_free"),
    ]


# --- the heap ---------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["no_read_lock", "no_grace_period", "late_reader"])
def test_one_pointer_dangles_from_the_free_on(run: str) -> None:
    shots = heap(explain(RUNS[run]())).shots
    red = [[a for a, tone in shot.arrows.items() if tone == "dangling"] for shot in shots]
    freed = ["child" in shot.looks and shot.looks["child"].state == "freed" for shot in shots]
    assert [len(found) for found in red] == [int(gone) for gone in freed]
    assert {(a.owner, a.field, a.target) for found in red for a in found} == {
        ("CPU0", "memcg", "child")
    }


def test_the_pointer_that_a_step_changes_is_the_one_that_is_green() -> None:
    shots = heap(explain(RUNS["no_read_lock"]())).shots
    green = {
        shot.row.number: [(a.owner, a.field) for a, t in shot.arrows.items() if t == "changed"]
        for shot in shots
        if shot.row
    }
    assert green == {2: [("CPU0", "memcg")], 6: [("cache#0", "memcg")], 9: [], 10: []}


@pytest.mark.skipif(shutil.which("dot") is None, reason="dot is not installed")
@pytest.mark.parametrize("run", RUNS)
def test_everything_is_in_the_same_place_in_every_shot(run: str) -> None:
    drawn = graphviz.Source(film(explain(RUNS[run]()))).pipe(format="plain", encoding="utf-8")
    shots = drawn.split("graph 1 ")[1:]
    places = {
        frozenset(re.findall(r"^node (\S+ \S+ \S+ \S+ \S+)", shot, re.MULTILINE)) for shot in shots
    }
    assert len(places) == 1
