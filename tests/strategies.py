"""What hypothesis draws: one file for all tests."""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from kmcheck.trace import (
    Access,
    Event,
    Frame,
    ObjectView,
    Place,
    ProcessView,
    Snapshot,
    Trace,
    Value,
    Violation,
)

OBJECTS = ("child", "child->kmem", "cache#0", "page#0", "gone", "a_rather_long_object_name#123")
PROCESSES = ("CPU0", "CPU1", "css_free", "kworker_with_quite_a_long_name#12", "\u00e9l\u00e9phant")
FIELDS = ("memcg", "parent", "owner", "readers", "dying", "online", "usage")
FUNCTIONS = (
    "kmem_cache_free",
    "css_free",
    "rcu_read_lock",
    "rcu_read_unlock",
    "synchronize_rcu",
    "rcu_gp_begin",
    "rcu_dereference",
    "spin_lock",
    "mutex_unlock",
    "queue_work",
    "a_function_whose_name_is_longer_than_any_column_that_the_table_can_give_it",
)
MODULES = ("", "", "kmcheck.kernel.rcu", "kmcheck.kernel.slab")
KINDS = (
    "use-after-free",
    "deadlock",
    "list-corruption",
    "a_law",
    "leak",
    "null-deref",
    "assertion",
)
WORDS = (
    "NULL",
    "child",
    "cache#0->memcg = parent; list_del(page#0)",
    "{child, cache#0}",
    "size(page#0) - 2*size(child)",
    "true",
    "/* \u2192 */ <&\"'>\\ \t\n\x00\x1b[31m",
    "x" * 90,
    "",
)

texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=12))
places = st.builds(
    Place,
    st.sampled_from(("specs/kmemcg/reparent_caches.py", "")),
    st.integers(0, 999),
    st.integers(0, 99),
    st.sampled_from(('atomic("down")', "while True:", "")),
)
things = st.lists(st.sampled_from(OBJECTS), max_size=2).map(tuple)
values = st.builds(Value, texts, things, things)
maybe_values = st.none() | values
pairs = st.lists(st.tuples(st.sampled_from(FIELDS), values), max_size=3).map(tuple)
frames = st.builds(
    Frame,
    st.sampled_from(FUNCTIONS),
    st.lists(st.sampled_from((*OBJECTS, *PROCESSES, "&child->kmem")), max_size=2).map(tuple),
    st.sampled_from(MODULES),
    st.integers(0, 5),
    places,
)
stacks = st.lists(frames, max_size=4).map(tuple)
actions: SearchStrategy[Literal["load", "store", "update", "alloc", "free"]] = st.sampled_from(
    ("load", "store", "update", "alloc", "free")
)
accesses = st.builds(
    Access,
    actions,
    st.sampled_from(OBJECTS),
    st.sampled_from(("Memcg", "Mutex")),
    st.sampled_from(FIELDS),
    maybe_values,
    maybe_values,
    places,
    st.booleans(),
)
lives: SearchStrategy[Literal["live", "freed"]] = st.sampled_from(("live", "live", "freed"))
views = st.builds(
    ObjectView,
    st.sampled_from(OBJECTS),
    st.sampled_from(("Memcg", "SpinLock", "A<T>")),
    lives,
    pairs,
    st.none() | st.sampled_from(OBJECTS),
    st.booleans(),
)
processes = st.builds(
    ProcessView,
    st.sampled_from(PROCESSES),
    st.sampled_from(FUNCTIONS),
    st.sampled_from(("ready", "running", "blocked", "ended")),
    st.none() | places,
    pairs,
    stacks,
)
snapshots = st.builds(
    Snapshot,
    st.lists(views, max_size=5, unique_by=lambda view: view.name).map(tuple),
    st.lists(processes, max_size=5, unique_by=lambda view: view.name).map(tuple),
)
violations = st.builds(
    Violation,
    st.sampled_from(KINDS),
    texts,
    st.none() | st.sampled_from(OBJECTS),
    st.none() | st.integers(0, 10),
    st.none() | st.integers(0, 10),
    st.lists(st.tuples(st.sampled_from(OBJECTS), st.integers(1, 9)), max_size=2).map(tuple),
    st.none() | places,
    stacks,
)


@st.composite
def events(draw: st.DrawFn, number: int) -> Event:
    """Draw one step."""
    return Event(
        number,
        draw(st.sampled_from(PROCESSES)),
        draw(stacks),
        draw(texts),
        draw(texts),
        draw(places),
        tuple(draw(st.lists(accesses, max_size=3))),
        draw(snapshots),
        tuple(draw(st.lists(st.tuples(st.integers(0, 5), texts), max_size=1))),
    )


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Draw a trace that makes no sense: pictures have to draw it all the same."""
    told = tuple(draw(events(number)) for number in range(1, draw(st.integers(0, 7)) + 1))
    return Trace(
        spec=draw(texts),
        digest=draw(st.sampled_from(("5f1c0b7e" * 8, ""))),
        path=draw(texts),
        settings=tuple(draw(st.lists(st.tuples(texts, texts), max_size=2))),
        initial=draw(snapshots),
        events=told,
        violation=draw(violations),
        witness=(0, tuple((0, ()) for _ in told)),
        loop_at=draw(st.none() | st.integers(0, len(told))),
    )
