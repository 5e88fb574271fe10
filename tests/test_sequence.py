"""The space-time diagram: text stays in its box, and the picture says what is missing."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import HealthCheck, given, settings

from kmcheck.diagram import Drawing, draw, handed
from kmcheck.diagram.bars import bars, touched, words_for
from kmcheck.diagram.shapes import Box, Circle, Path, Rect, Text, number
from kmcheck.explain import explain
from kmcheck.store import read
from kmcheck.trace import Trace
from tests.designs import SHIPPED
from tests.runs import RUNS
from tests.strategies import traces
from tests.told import traced

SLACK = 0.5
"""Pixels: what rounding may cost."""


def texts(drawing: Drawing) -> list[Text]:
    return [shape for shape in drawing.shapes if isinstance(shape, Text) and shape.text.strip()]


def is_inside(inner: Box, outer: Box) -> bool:
    return (
        outer.x - SLACK <= inner.x
        and inner.right <= outer.right + SLACK
        and outer.y - SLACK <= inner.y
        and inner.bottom <= outer.bottom + SLACK
    )


def overlap(a: Box, b: Box) -> bool:
    return (
        min(a.right, b.right) - max(a.x, b.x) > SLACK
        and min(a.bottom, b.bottom) - max(a.y, b.y) > SLACK
    )


def assert_legible(drawing: Drawing) -> None:
    page = Box(0, 0, drawing.width, drawing.height)
    found = texts(drawing)
    for text in found:
        assert is_inside(text.extent, text.box), text
        assert is_inside(text.box, page), text
    for one, other in combinations(found, 2):
        assert not overlap(one.extent, other.extent), (one, other)
    for shape in drawing.shapes:
        if isinstance(shape, Rect):
            assert is_inside(shape.box, page), shape
            assert min(shape.box.w, shape.box.h) > 0, shape


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_text_stays_in_its_box_and_covers_no_other(run: str, full: bool) -> None:
    assert_legible(draw(explain(RUNS[run](), full=full)))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces())
def test_text_stays_in_its_box_whatever_it_says(trace: Trace) -> None:
    assert_legible(draw(explain(trace)))


# the designs that upstream shipped have more objects in their runs than a mail has room for
STORED = [
    path
    for path in sorted((pathlib.Path(__file__).parent.parent / "counterexamples").rglob("*.json"))
    if not SHIPPED & set(path.parts)
]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.parent.name)
def test_a_picture_fits_into_a_mail_and_no_row_is_cut(path: pathlib.Path) -> None:
    drawing = draw(explain(read(path.read_text("utf-8"))))
    assert drawing.width <= 1200.5
    assert_legible(drawing)
    rows = [text for text in texts(drawing) if text.style.endswith(" over")]
    assert rows
    assert [text.text for text in rows if text.whole or text.text.endswith(" ..")] == []


def test_an_arrow_aims_at_the_object_that_the_step_is_about() -> None:
    (path,) = (p for p in STORED if p.match("page_owner/GET_FIRST=no/ref-resurrect.json"))
    story = explain(read(path.read_text("utf-8")))
    killed = next(row for row in story.rows if row.text.startswith("cgroup_rmdir("))
    assert touched(story, killed) == ("memcg#0", "write")


def said(run: str) -> str:
    return "\n".join(text.text for text in texts(draw(explain(RUNS[run]()))))


def styles(run: str) -> set[str]:
    shapes = draw(explain(RUNS[run]())).shapes
    return {shape.style for shape in shapes if isinstance(shape, Rect | Path | Circle)}


def test_a_missing_read_section_is_outlined_and_says_so() -> None:
    assert "missing read" in styles("no_read_lock")
    assert "no RCU read section here:\nthe grace period does not wait" in said("no_read_lock")


def test_a_missing_grace_period_is_outlined_and_says_so() -> None:
    assert "bracket grace gap" in styles("no_grace_period")
    assert "no grace period here: CPU0 is still" in said("no_grace_period")


@pytest.mark.parametrize("run", ["late_reader", "freed_by_callback"])
def test_nothing_is_said_to_be_missing_that_is_there(run: str) -> None:
    assert not {"missing read", "bracket grace gap"} & styles(run)


def test_states_survive_grey_print() -> None:
    assert {"bar freed", "pattern-freed"} <= styles("no_read_lock")
    assert "FREED" in said("no_read_lock")
    assert {"bar dying", "pattern-dying"} <= styles("resurrected")
    assert "dying" in said("resurrected")


def test_only_what_is_wrong_is_red() -> None:
    red = [shape for shape in draw(explain(RUNS["no_read_lock"]())).shapes if "bad" in shape.style]
    rows = {shape.box.y for shape in red if isinstance(shape, Rect) and "band" in shape.style}
    assert len(rows) == 1


def test_a_deadlock_shows_locks_that_are_held_to_the_end() -> None:
    assert "lock" in styles("two_mutexes")
    assert "held by kworker#1" in said("two_mutexes")


@pytest.mark.parametrize(
    ("value", "written"), [(1.0, "1"), (0.04, "0"), (-0.04, "0"), (12.34, "12.3"), (-3.25, "-3.2")]
)
def test_a_coordinate_is_written_in_one_way(value: float, written: str) -> None:
    assert number(value) == written


def bracket(run: str) -> tuple[Drawing, float, float]:
    drawing = draw(explain(RUNS[run]()))
    (line,) = (s for s in drawing.shapes if isinstance(s, Path) and s.style.endswith(" round"))
    heights = [y for _, y in line.points]
    return drawing, min(heights), max(heights)


def beside(run: str) -> set[str]:
    drawing, top, bottom = bracket(run)
    numbers = [text for text in texts(drawing) if "number" in text.style.split()]
    return {text.text for text in numbers if top <= text.baseline <= bottom}


def test_a_bracket_beside_the_round_says_that_it_comes_again_and_again() -> None:
    assert beside("spins_for_ever") == {"4", "5"}
    assert "again and\nagain" in said("spins_for_ever")


def test_a_run_that_rests_says_so_beside_those_who_wait() -> None:
    drawing, top, bottom = bracket("wake_up_lost")
    (stuck,) = (s for s in drawing.shapes if isinstance(s, Rect) and s.style == "band-bad")
    assert stuck.box.y <= top < bottom <= stuck.box.bottom
    assert beside("wake_up_lost") == set()
    assert "rests here,\nfor ever" in said("wake_up_lost")


@pytest.mark.parametrize("run", sorted(RUNS.keys() - {"spins_for_ever", "wake_up_lost"}))
def test_a_run_that_ends_says_nothing_of_rounds(run: str) -> None:
    assert "arrow plain round" not in styles(run)


def test_a_run_that_rests_where_nobody_waits_says_so_below_the_last_row() -> None:
    ended = replace(RUNS["decided_twice"](), loop_at=4)
    drawing = draw(explain(ended))
    assert_legible(drawing)
    last = max(text.baseline for text in texts(drawing) if "number" in text.style.split())
    (told,) = (text for text in texts(drawing) if text.text == "rests here,")
    assert told.baseline > last


def test_a_wait_queue_that_a_primitive_is_given_has_a_bar() -> None:
    story = handed.widened(explain(RUNS["wake_up_lost"]()))
    told = {bar.name: [segment.facts for segment in bar.segments] for bar in bars(story)}
    assert told["memcg_wq"] == [("head = {}",), ("head = {CPU1}",)]
    assert [touched(story, row) for row in story.rows if row.role != "call"] == [
        ("memcg_wq", "read"),
        ("memcg_wq", "write"),
        ("memcg#0", "write"),
        ("memcg_wq", "bad"),
    ]


NESTED = """
from kmcheck.kernel.mutex import Mutex, mutex_lock
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, process, setup, start


class Thing(Object):
    n: int


class Glob(Object):
    a: Mutex
    b: Mutex
    c: Mutex
    d: Mutex
    e: Mutex
    thing: Ref[Thing]


g = Glob()


@process
def user() -> None:
    mutex_lock(g.a)
    mutex_lock(g.b)
    mutex_lock(g.c)
    mutex_lock(g.d)
    mutex_lock(g.e)
    g.thing.n = 1


@process
def killer(thing: Thing) -> None:
    kfree(thing)


@setup
def begin() -> None:
    g.thing = Thing()
    start(user)
    start(killer, g.thing)
"""


def test_locks_that_are_held_at_once_stand_side_by_side_and_on_no_number() -> None:
    drawing = draw(explain(traced(NESTED, "use-after-free")))
    boxes = [s.box for s in drawing.shapes if isinstance(s, Rect) and s.style == "lock"]
    numbers = [s.extent for s in drawing.shapes if isinstance(s, Text) and "number" in s.style]
    held = sorted((box for box in boxes if box.h > 20), key=lambda box: box.x)  # not the key's
    assert len(held) == 5
    assert all(one.right <= other.x for one, other in pairwise(held))
    assert all(number.right < held[0].x for number in numbers)


@pytest.mark.parametrize(
    ("facts", "most", "told"),
    [
        (("vmstats = 0", "css.online = true"), 1, ["vmstats=0"]),
        (("vmstats = 0", "n = 1"), 2, ["vmstats=0", "n = 1"]),
        (("n = 1", "css.online = true"), 2, ["n = 1", ".."]),
    ],
)
def test_a_narrow_bar_leaves_out_whole_facts_and_cuts_none(
    facts: tuple[str, ...], most: int, told: list[str]
) -> None:
    assert words_for(facts, 60.0, most) == told
