"""A stored trace: what is read is what was written, and what is damaged is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kmcheck import shelf
from kmcheck.diagnostics import UsageError
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.store import SCHEMA_VERSION, read, write
from kmcheck.trace import Trace
from tests.runs import RUNS
from tests.strategies import traces


@pytest.mark.parametrize("run", RUNS)
def test_a_run_is_read_as_it_was_written(run: str) -> None:
    trace = RUNS[run]()
    assert read(write(trace)) == trace


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces())
def test_any_trace_is_read_as_it_was_written(trace: Trace) -> None:
    assert read(write(trace)) == trace
    assert write(read(write(trace))) == write(trace)


def test_keys_are_sorted_and_a_step_is_one_line() -> None:
    text = write(RUNS["no_read_lock"]())
    document = json.loads(text)
    assert list(document) == sorted(document)
    assert document["schema_version"] == SCHEMA_VERSION
    events = document["trace"]["events"]
    lines = text.splitlines()
    assert sum(line.startswith('   {"accesses"') for line in lines) == len(events)


Json = dict[str, Any]


def no_views(document: Json) -> None:
    del document["views"]


def future(document: Json) -> None:
    document["schema_version"] = SCHEMA_VERSION + 1


def unknown_field(document: Json) -> None:
    document["trace"]["colour"] = "red"


def number_as_text(document: Json) -> None:
    document["trace"]["events"][0]["number"] = "1"


def text_as_null(document: Json) -> None:
    document["trace"]["spec"] = None


def view_too_far(document: Json) -> None:
    document["trace"]["initial"] = [[999], []]


def negative_view(document: Json) -> None:
    document["trace"]["initial"] = [[-1], []]


def half_a_state(document: Json) -> None:
    document["trace"]["initial"] = [[0]]


def unknown_access(document: Json) -> None:
    document["trace"]["events"][0]["accesses"][0]["what"] = "peek"


@pytest.mark.parametrize(
    "damage",
    [
        no_views,
        future,
        unknown_field,
        number_as_text,
        text_as_null,
        view_too_far,
        negative_view,
        half_a_state,
        unknown_access,
    ],
)
def test_a_damaged_trace_is_refused_in_one_line(damage: Callable[[Json], None]) -> None:
    document = json.loads(write(RUNS["no_read_lock"]()))
    damage(document)
    with pytest.raises(UsageError, match=r"^cex\.json ") as refused:
        read(json.dumps(document), "cex.json")
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("value", [None, 1, "x", [], [1, {}], [[]], {}, {"a": 1}, 10**30])
@pytest.mark.parametrize(
    "place",
    [
        ("trace",),
        ("views",),
        ("views", "objects"),
        ("views", "processes", 0),
        ("trace", "initial"),
        ("trace", "initial", 0),
        ("trace", "events", 0),
        ("trace", "events", 0, "accesses"),
        ("trace", "events", 0, "after"),
        ("trace", "violation"),
        ("trace", "witness"),
        ("trace", "witness", 1),
        ("trace", "witness", 1, 0),
        ("trace", "settings"),
    ],
)
def test_what_is_built_otherwise_is_refused_or_drawn(place: tuple[Any, ...], value: object) -> None:
    document = json.loads(write(RUNS["no_read_lock"]()))
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    try:
        trace = read(json.dumps(document), "cex.json")
    except UsageError as error:
        refused = error.message
        assert re.fullmatch("cex.json is .*", refused)
        assert "cattrs" not in refused
    else:
        renderer: Renderer = shelf.take("render", "columns", "RENDERER")
        assert renderer.render(trace, RenderOptions())


@pytest.mark.parametrize("loop_at", [-1, 6, 99])
def test_a_round_that_begins_at_no_state_of_the_run_is_refused(loop_at: int) -> None:
    document = json.loads(write(RUNS["spins_for_ever"]()))
    document["trace"]["loop_at"] = loop_at
    with pytest.raises(UsageError, match=f"it has 5 steps, and loop_at is {loop_at}$"):
        read(json.dumps(document), "cex.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"trace": 1, "views": 2}'])
def test_what_is_no_trace_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read(text)
