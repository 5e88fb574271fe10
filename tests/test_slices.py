"""Which steps a table keeps: those behind the fields at issue, and those on which a branch hung."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmcheck.explain import explain
from kmcheck.store import read
from kmcheck.trace import Trace
from tests.told import traced

COUNTEREXAMPLES = Path(__file__).parent.parent / "counterexamples" / "kmemcg"

LAW = """
from kmcheck.lang import (
    Counter, Object, Ref, Size, alive, conserved, process, setup, start, total
)


class Memcg(Object):
    usage: Counter


class Page(Object):
    memcg: Ref[Memcg]
    size: Size


class Glob(Object):
    now: Ref[Memcg]
    noise: int


a = Memcg()
b = Memcg()
g = Glob()


@process
def charge(page: Page) -> None:
    g.noise = 1
    m = g.now
    g.noise = 2
    m.usage.add(page.size)
    page.memcg = g.now
    g.noise = 4


@process
def switch() -> None:
    g.noise = 5
    g.now = b
    g.noise = 6


@setup
def begin() -> None:
    g.now = a
    start(charge, Page())
    start(switch)


@conserved
def adds_up(m: Memcg) -> bool:
    return m.usage == total(page.size for page in alive(Page) if page.memcg == m)
"""

LEAK = """
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, process, setup, start


class Thing(Object, limit=2):
    n: int


class Glob(Object):
    thing: Ref[Thing]


g = Glob()


@process
def maker() -> None:
    t = Thing()
    if g.thing is None:
        g.thing = t
    else:
        kfree(t)


@setup
def begin() -> None:
    start(maker)
    start(maker)
"""


def texts(trace: Trace) -> list[str]:
    """Return what the rows say that stand for steps."""
    return [row.text for row in explain(trace).rows if row.number is not None]


def stored(run: str) -> Trace:
    return read((COUNTEREXAMPLES / f"{run}.json").read_text("utf-8"))


def test_what_no_step_reads_and_the_law_does_not_is_left_out() -> None:
    trace = traced(LAW, "adds_up")
    told = texts(trace)
    assert {"m = g.now", "a.usage += size(page#0)", "g.now = b", "page#0->memcg = b"} <= {*told}
    assert [text for text in told[:-1] if "noise" in text] == []
    assert len(told) < len(trace.events)


def test_a_law_is_explained_by_its_counters_and_by_where_the_pages_are() -> None:
    told = [reason.text for reason in explain(traced(LAW, "adds_up")).reasons]
    assert [text for text in told if "noise" in text] == []
    assert any("sets a.usage to size(page#0)" in text for text in told)
    assert any("sets page#0->memcg to b" in text for text in told)


def test_the_load_that_decided_is_told_and_where_the_pointer_came_from() -> None:
    trace = traced(LEAK, "leak")
    (last,) = [e for e in trace.events if e.text.startswith("g.thing = ")][-1:]
    mine = [row for row in explain(trace).rows if row.process == last.process]
    made, looked, stored_ = [row.text for row in mine if row.number is not None]
    assert made.endswith("= kzalloc(thing)")
    assert (looked, stored_) == ("g.thing", last.text)


@pytest.mark.parametrize("run", ["CLIMB=none", "CLIMB=online", "GRACE_PERIOD=no"])
def test_the_count_that_is_lost_is_told_with_the_way_to_it(run: str) -> None:
    trace = stored(f"lru_folios/{run}/every_statistic_is_counted")
    story = explain(trace)
    mine = [row.text for row in story.rows if row.process == "CPU1"]
    assert {"memcg = objcg->memcg", "child->vmstats += 1"} <= {*mine}
    assert any("CPU1 raises child->vmstats to 1" in reason.text for reason in story.reasons)
    assert not any(row.process == "CPU0" for row in story.rows)  # it moves folios about


def test_the_stale_load_is_told_by_which_a_list_is_corrupted() -> None:
    rows = explain(stored("move_slabs/GRACE_PERIOD=no/list-corruption")).rows
    mine = [row.text for row in rows if row.process == "CPU0"]
    assert {"s = page#0->slab_cache", "was_frozen = page#0->frozen"} <= {*mine}
