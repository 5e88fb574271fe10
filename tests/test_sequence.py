"""The space-time diagram: text stays in its box, and the picture says what is missing."""

from __future__ import annotations

import pathlib
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings

from kmcheck.explain import explain
from kmcheck.render.sequence import Drawing, draw
from kmcheck.render.sequence.bars import touched
from kmcheck.render.sequence.shapes import Box, Circle, Path, Rect, Text, number
from kmcheck.store import read
from kmcheck.trace import Trace
from tests.designs import SHIPPED
from tests.runs import RUNS
from tests.strategies import traces

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
