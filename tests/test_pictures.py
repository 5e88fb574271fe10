"""Every picture of every run: the same bytes, and nothing that a mail or a viewer cannot carry.

`python -m tests.test_pictures` writes the golden files again; look at them before committing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kmcheck.render
from kmcheck.explain import explain
from kmcheck.film import EM, TITLE, film
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.store import read
from kmcheck.trace import Trace, Violation
from tests.runs import RUNS
from tests.strategies import traces

GOLDEN = Path(__file__).parent / "golden"

COUNTEREXAMPLES = Path(__file__).parent.parent / "counterexamples"

SHELF = sorted(module.name for module in iter_modules(kmcheck.render.__path__))

KEPT = [
    *((run, "columns", False) for run in RUNS),
    *((run, "columns", True) for run in ("no_read_lock", "resurrected", "two_mutexes")),
    *((run, "sequence", False) for run in ("no_read_lock", "no_grace_period", "two_mutexes")),
    *((run, "sequence", False) for run in ("spins_for_ever", "wake_up_lost")),
    ("late_reader", "sequence", True),
    *((run, "dot", False) for run in ("no_read_lock", "spins_for_ever", "wake_up_lost")),
    *((run, "text", False) for run in ("wrong_list_lock", "spins_for_ever", "wake_up_lost")),
    ("two_mutexes", "json", False),
    *((run, "mermaid", False) for run in ("no_read_lock", "two_mutexes", "spins_for_ever")),
    *((run, "plantuml", False) for run in ("no_read_lock", "two_mutexes", "spins_for_ever")),
    *((run, "litmus", False) for run in ("no_read_lock", "wrong_list_lock", "two_mutexes")),
    *((run, "arrows", False) for run in ("no_read_lock", "wrong_list_lock")),
    *((run, "kasan", False) for run in ("no_read_lock", "two_mutexes", "resurrected")),
    *((run, "lockdep", False) for run in ("two_mutexes", "no_read_lock")),
]


def renderer(name: str) -> Renderer:
    found: Renderer = import_module(f"kmcheck.render.{name}").RENDERER
    return found


def golden(run: str, name: str, full: bool) -> Path:
    return GOLDEN / f"{run}{'.full' if full else ''}{renderer(name).suffix}"


def draw(run: str, name: str, full: bool) -> str:
    drawn = renderer(name).render(RUNS[run](), RenderOptions(full=full))
    assert isinstance(drawn, str)
    return drawn


@pytest.mark.parametrize(("run", "name", "full"), KEPT)
def test_a_picture_has_the_bytes_that_were_looked_at(run: str, name: str, full: bool) -> None:
    assert draw(run, name, full) == golden(run, name, full).read_text("utf-8")


def test_no_golden_file_is_left_behind() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {golden(*case).name for case in KEPT}


@pytest.mark.parametrize("name", SHELF)
def test_a_renderer_is_called_like_its_file_and_says_what_it_returns(name: str) -> None:
    found = renderer(name)
    drawn = found.render(RUNS["no_read_lock"](), RenderOptions())
    assert found.name == name
    assert found.suffix.startswith(".")
    assert isinstance(drawn, str if found.media == "text" else bytes)


def test_all_pictures_of_one_trace_can_lie_in_one_folder() -> None:
    assert len({renderer(name).suffix for name in SHELF}) == len(SHELF)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", SHELF)
@pytest.mark.parametrize("run", RUNS)
def test_a_picture_is_the_same_bytes_each_time(run: str, name: str, full: bool) -> None:
    assert draw(run, name, full) == draw(run, name, full)


@pytest.mark.parametrize("name", [name for name in SHELF if name not in {"heap", "html"}])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces(), full=st.booleans(), width=st.integers(0, 200))
def test_no_trace_is_too_odd_to_be_drawn(name: str, trace: Trace, full: bool, width: int) -> None:
    drawn = renderer(name).render(trace, RenderOptions(full, width))
    assert isinstance(drawn, str)
    assert drawn.endswith("\n")
    assert "\t" not in drawn or name == "dot"
    assert drawn.isascii()
    if name == "columns":
        assert all(len(line) <= 75 for line in drawn.splitlines())


@pytest.mark.parametrize("name", [name for name in SHELF if name != "heap"])
def test_a_run_without_steps_is_drawn_too(name: str) -> None:
    stuck = Violation("deadlock", "no process can go on, and not all have ended")
    trace = replace(RUNS["no_read_lock"](), events=(), violation=stuck)
    assert renderer(name).render(trace, RenderOptions())


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_the_space_time_diagram_is_well_formed_and_needs_nothing(run: str, full: bool) -> None:
    drawn = draw(run, "sequence", full)
    root = ET.fromstring(drawn)  # noqa: S314 - of our own making
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme:dark" in drawn
    assert drawn.count("http") == 1  # the name space: nothing is fetched
    preserved = "{http://www.w3.org/XML/1998/namespace}space"
    texts = root.iter("{http://www.w3.org/2000/svg}text")
    assert all(text.get(preserved) == "preserve" for text in texts)


@pytest.mark.skipif(shutil.which("dot") is None, reason="dot is not installed")
@pytest.mark.parametrize("run", RUNS)
def test_the_heap_is_one_well_formed_picture(run: str) -> None:
    ET.fromstring(draw(run, "heap", False))  # noqa: S314 - of our own making


@pytest.mark.skipif(shutil.which("dot") is None, reason="dot is not installed")
def test_a_film_that_is_longer_than_a_pipe_is_drawn_to_its_end() -> None:
    stored = COUNTEREXAMPLES / "kmemcg/dangling_caches/UNLIST=no/use-after-free.json"
    shots = film(explain(read(stored.read_text("utf-8")), full=True)).count("digraph")
    command = [sys.executable, "-m", "kmcheck", "show", str(stored), "--as", "heap", "--full"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.count('class="graph') == shots


@pytest.mark.skipif(shutil.which("dot") is None, reason="dot is not installed")
def test_a_caption_of_the_heap_is_told_to_its_end_inside_of_the_frame() -> None:
    stored = COUNTEREXAMPLES / "kmemcg/move_slabs/FREEZE=no/list-corruption.json"
    drawn = renderer("heap").render(read(stored.read_text("utf-8")), RenderOptions())
    assert isinstance(drawn, str)
    svg = "{http://www.w3.org/2000/svg}"
    captions: list[str] = []
    for graph in ET.fromstring(drawn).iter(f"{svg}svg"):  # noqa: S314 - of our own making
        for text in graph.iter(f"{svg}text"):
            if text.get("font-size") == f"{TITLE:.2f}" and graph.get("x"):
                told = (text.text or "").replace("\xa0", " ").rstrip()
                assert 8 + len(told) * TITLE * EM <= float(graph.get("width", "0"))
                captions.append(told.strip())
    assert "list_add(page#0, &mover.moved)" in " ".join(captions)


def ends(trace: Trace) -> list[list[str]]:
    """Return for each frame of the heap what stands in its caption about how the run goes on."""
    frames = film(explain(trace)).replace("&#160;", " ").split("labelloc=t")[:-1]
    captions = [frame.rpartition('label="')[2].partition('"')[0].split("\\l") for frame in frames]
    return [[line.strip() for line in told if line.startswith("-- ")] for told in captions]


@pytest.mark.parametrize(
    ("run", "at", "told"),
    [
        (
            "spins_for_ever",
            3,
            [
                [],
                ["-- from here on, again and again:"],
                ["-- as after step 2; and so on, for ever"],
            ],
        ),
        (
            "spins_for_ever",
            0,
            [["-- from here on, again and again:"], [], ["-- as at first; and so on, for ever"]],
        ),
        ("wake_up_lost", 3, [[], ["-- here it rests, for ever"]]),
        ("no_read_lock", None, [[], [], [], [], []]),
    ],
)
def test_a_frame_of_the_heap_says_how_a_run_goes_on_for_ever(
    run: str, at: int | None, told: list[list[str]]
) -> None:
    assert ends(replace(RUNS[run](), loop_at=at)) == told


def test_a_round_that_changes_nothing_in_the_heap_has_no_frame_of_its_own() -> None:
    locks = replace(RUNS["spins_for_ever"](), events=RUNS["spins_for_ever"]().events[:1], loop_at=0)
    assert ends(locks) == [["-- from here on, again and again; nothing changes here"]]


def test_without_dot_the_heap_is_what_dot_would_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    drawn = draw("no_read_lock", "heap", False)
    assert renderer("heap").suffix == ".heap.dot"
    assert drawn.splitlines()[0].startswith("// `dot` is not installed here")
    assert drawn.split("\n", 1)[1] == draw("no_read_lock", "dot", False)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.iterdir():
        path.unlink()
    for case in KEPT:
        golden(*case).write_text(draw(*case), "utf-8")
