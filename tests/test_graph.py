"""The state graph: all states and steps of the reference, and what merging leaves of them."""

from __future__ import annotations

import re
import shutil
import sys
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import networkx as nx
import pyarrow.parquet as pq
import pytest

from kmcheck import shelf
from kmcheck.cli import run
from kmcheck.diagnostics import UsageError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec, read
from kmcheck.solver import Solver
from kmcheck.stategraph import Form, Quotient, Space, Views, explore, follow, merge
from kmcheck.store import load
from kmcheck.system import build
from kmcheck.verdict import Budget, Violated
from tests.language import program, source

ROOT = Path(__file__).parent.parent
FLAGSHIP = str(ROOT / "specs/kmemcg/reparent_caches.py")
STORED = ROOT / "counterexamples/kmemcg/reparent_caches/READ_LOCK=no/use-after-free.json"
SMALL = ("-D", "READ_LOCK=no", "-D", "FREERS=1")
COUNTER = program("n: Annotated[int, range(9)]", "g.n += 1", "g.n += 2")
WRONG = program("n: Annotated[int, range(9)]", "g.n += 1\nassert g.n == 1", "g.n += 2")


def space_of(text: str, most: int | None = None) -> tuple[Space, Views]:
    solver = Solver()
    system = build(compile_spec(source(text)), solver.holds)
    space = explore(system, solver, (), Budget(states=most), lambda _: None)
    return space, Views(space, solver, 0, [])


def flagship(*settings: tuple[str, str]) -> tuple[Space, Views]:
    solver = Solver()
    system = build(compile_spec(read(FLAGSHIP), dict(settings)), solver.holds)
    space = explore(system, solver, (), Budget(), lambda _: None)
    return space, Views(space, solver, 0, [])


def form(name: str) -> Form:
    found: Form = shelf.take("graphs", name, "FORM")
    return found


@pytest.mark.parametrize("name", ["kmemcg/reparent_caches", "classic/peterson", "classic/qrcu"])
def test_the_space_has_the_states_and_steps_that_the_reference_finds(name: str) -> None:
    spec = read(str(ROOT / f"specs/{name}.py"))
    seen = verify(spec, Options(every=True)).label.statistics
    solver = Solver()
    system = build(compile_spec(spec), solver.holds)
    space = explore(system, solver, (), Budget(), lambda _: None)
    assert (len(space.states), len(space.sources)) == (seen.states, seen.transitions)
    assert (max(space.depths), len(space.terminal)) == (seen.depth, seen.terminal_states)
    assert space.stopped == ""


@pytest.mark.parametrize("by", ["state", "processes", "depth", "cache.memcg", "child,CPU0,memcg"])
def test_merging_loses_no_state_and_no_step(by: str) -> None:
    space, views = flagship(("READ_LOCK", "no"), ("FREERS", "1"))
    graph = merge(space, views, by, "x")
    assert sum(knot.states for knot in graph.knots) == len(space.states)
    assert sum(arrow.count for arrow in graph.arrows) + sum(graph.inside) == len(space.sources)
    assert all(arrow.source != arrow.target for arrow in graph.arrows)
    assert sum(knot.terminal for knot in graph.knots) == len(space.terminal)


def test_states_are_one_node_if_and_only_if_they_are_alike() -> None:
    space, views = space_of(COUNTER)
    graph = merge(space, views, "g.n", "x")
    assert [knot.lines for knot in graph.knots] == [
        ("g.n = 0",), ("g.n = 1",), ("g.n = 2",), ("g.n = 3",)
    ]  # fmt: skip
    arrows = {(a.source, a.target, a.process) for a in graph.arrows}
    assert (0, 1, "CPU0") in arrows
    assert (0, 2, "CPU1") in arrows
    assert (0, 3, "CPU0") not in arrows


def test_the_way_is_a_shortest_run_and_its_steps_are_numbered() -> None:
    space, views = flagship(("READ_LOCK", "no"), ("FREERS", "1"))
    found = verify(read(FLAGSHIP), Options({"READ_LOCK": "no", "FREERS": "1"}))
    (trace,) = (v.trace for v in found.verdicts if isinstance(v, Violated))
    assert space.way is not None
    assert space.way.violation == "use-after-free"
    assert len(space.way.actors) == len(trace.events)
    graph = merge(space, views, "state", "x")
    steps = {step: arrow for arrow in graph.arrows for step in arrow.steps}
    assert sorted(steps) == list(range(1, len(trace.events) + 1))
    assert all(steps[n].target == steps[n + 1].source for n in range(1, len(steps)))
    assert graph.knots[steps[len(steps)].target].violations == ("use-after-free",)


def test_a_property_that_fails_in_a_state_is_told_there() -> None:
    space, views = space_of(WRONG)
    graph = merge(space, views, "state", "x")
    assert space.way is not None
    assert space.way.violation == "assertion"
    assert [k.lines for k in graph.knots if k.violations] == [("*** assertion",)]


def test_a_stored_run_is_found_again_even_behind_where_the_search_was_cut_off() -> None:
    solver, trace = Solver(), load(str(STORED))
    system = build(compile_spec(read(FLAGSHIP), dict(trace.settings)), solver.holds)
    for most in (5, None):
        space = explore(system, solver, (), Budget(states=most), lambda _: None)
        way = follow(space, solver, trace.witness, trace.violation.kind)
        assert len(way.actors) == len(trace.events)
        assert way.states[-1] == -1 - space.faults.index("use-after-free")
        steps = set(zip(space.sources, space.targets, space.actors, strict=True))
        assert set(zip(way.states, way.states[1:], way.actors, strict=False)) <= steps


def test_a_state_says_where_its_processes_are() -> None:
    space, views = space_of(COUNTER)
    first, *_ = merge(space, views, "state", "x").knots
    assert [line.partition(": ")[0] for line in first.lines] == ["state 0", "CPU0", "CPU1"]


@pytest.mark.parametrize("by", ["cpu0", "cpu1", "kmem_cache_free.memcg", "processes"])
def test_nodes_that_are_not_one_say_what_tells_them_apart(by: str) -> None:
    space, views = flagship(("READ_LOCK", "no"), ("FREERS", "1"))
    knots = [knot.lines for knot in merge(space, views, by, "x").knots]
    assert len(knots) == len(set(knots))
    if by == "cpu0":
        assert ("CPU0: line 103, step 1 of 2",) in knots
        assert ("CPU0: line 102",) in knots
    if by == "kmem_cache_free.memcg":
        assert ("CPU0.memcg = child (freed)",) in knots


def test_a_line_of_a_function_is_told_with_where_that_was_called() -> None:
    calls = "def adds() -> None:\n    g.n += 1\n\n@process"
    text = program("n: Annotated[int, range(9)]", "adds()\nadds()", "g.n += 2")
    text = text.replace("@process", calls, 1)
    rows = source(text).text.splitlines()
    lines = [number for number, row in enumerate(rows, 1) if row.strip() == "adds()"]
    assert len(lines) == 2
    space, views = space_of(text)
    knots = [line for knot in merge(space, views, "cpu0", "x").knots for line in knot.lines]
    told = {re.sub(r"line \d+", "line N", line) for line in knots}
    assert {f"CPU0: line N, called in {at}, step 1 of 2" for at in lines} <= told
    assert len(knots) == len(set(knots))


def test_the_way_is_one_to_what_was_asked_for() -> None:
    text = program("n: Annotated[int, range(9)]", "g.n = 1\nassert g.n == 0", "assert g.n == 0")
    text += "@always\ndef small() -> bool:\n    return g.n < 1\n"
    solver = Solver()
    system = build(compile_spec(source(text)), solver.holds)
    ways = [explore(system, solver, p, Budget(), lambda _: None).way for p in (("small",), ())]
    assert [way and way.violation for way in ways] == ["small", "small"]
    way = explore(system, solver, ("assertion",), Budget(), lambda _: None).way
    assert way is not None
    assert way.violation == "assertion"
    assert way.states[-1] < 0


def test_a_run_of_another_spec_is_refused() -> None:
    trace = load(str(STORED))
    space, _ = space_of(COUNTER)
    with pytest.raises(UsageError, match="none of this spec's"):
        follow(space, Solver(), trace.witness, "use-after-free")


def test_a_space_that_was_cut_off_says_so() -> None:
    space, views = space_of(COUNTER, most=3)
    graph = merge(space, views, "state", "x")
    text = form("dot").write(graph)[0][1].decode()
    assert "NOT ALL STATES" in text.replace("&#160;", " ")
    assert sum(knot.cut for knot in graph.knots) == len(space.states) - space.expanded > 0
    assert "cut off here" in text


# --- forms ----------------------------------------------------------------------------------------


def small() -> Quotient:
    space, views = flagship(("READ_LOCK", "no"), ("FREERS", "1"))
    return merge(space, views, "cache.memcg,child", "a & b \\n <c>")


@pytest.mark.parametrize("name", shelf.names("graphs"))
def test_a_form_has_the_same_bytes_each_time(name: str) -> None:
    assert form(name).name == name
    assert form(name).write(small()) == form(name).write(small())


def test_graphml_has_what_the_graph_has() -> None:
    graph = small()
    ((_, content),) = form("graphml").write(graph)
    made = nx.read_graphml(BytesIO(content))
    assert len(made) == len(graph.knots)
    assert sum(data["states"] for _, data in made.nodes(data=True)) == graph.states
    told = sum(data["count"] for *_, data in made.edges(data=True))
    assert told + sum(data["inside"] for _, data in made.nodes(data=True)) == graph.transitions


def test_parquet_has_a_table_of_nodes_and_one_of_edges() -> None:
    graph = small()
    tables = {ending: pq.read_table(BytesIO(c)) for ending, c in form("parquet").write(graph)}
    nodes, edges = tables[".nodes.parquet"].to_pydict(), tables[".edges.parquet"].to_pydict()
    assert sum(nodes["states"]) == graph.states
    assert sum(edges["count"]) + sum(nodes["inside"]) == graph.transitions
    assert nodes["violations"][-1] == ["use-after-free"]
    assert set(edges["source"]) <= set(nodes["node"])


@pytest.mark.skipif(shutil.which("dot") is None, reason="dot is not installed")
def test_the_picture_is_well_formed_and_its_way_survives_grey_print() -> None:
    ((ending, content),) = form("svg").write(small())
    root = ET.fromstring(content)  # noqa: S314 - of our own making
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert ending == ".svg"
    assert "*** use-after-free" in texts
    assert any(text.startswith("way: ") for text in texts)
    assert 'stroke-width="2.4"' in content.decode()
    assert "<!--" not in content.decode()


# --- the verb -------------------------------------------------------------------------------------


def test_a_picture_is_written_by_the_ending_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "states.dot"
    assert run(["graph", FLAGSHIP, *SMALL, "--by", "cache.memcg", "-o", str(file)]) == 0
    assert file.read_text().startswith("digraph")


def test_two_files_have_the_names_that_their_tables_have(tmp_path: Path) -> None:
    assert run(["graph", FLAGSHIP, *SMALL, "-o", str(tmp_path / "states.parquet")]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "states.nodes.parquet",
        "states.edges.parquet",
    }


def test_where_there_is_no_dot_its_input_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    command = ["graph", FLAGSHIP, *SMALL, "--by", "cache.memcg", "-o", str(tmp_path / "x.svg")]
    assert run(command) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x.dot"]
    assert "`dot` is not installed" in capsys.readouterr().err


def test_where_there_is_no_pyarrow_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert run(["graph", FLAGSHIP, *SMALL, "-o", "x.parquet"]) == 2
    assert "kmcheck[parquet]" in capsys.readouterr().err


def test_nothing_with_more_than_200_nodes_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", FLAGSHIP, "--by", "state"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "200 nodes at the most, and this would have 1,221" in told.err
    assert run(["graph", FLAGSHIP, "--as", "dot", "--by", "state"]) == 0


def test_without_names_the_finest_that_is_small_enough_is_drawn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["graph", FLAGSHIP]) == 0
    assert "merged by depth: 24 nodes" in capsys.readouterr().out.replace("\xa0", " ")
    assert run(["graph", FLAGSHIP, *SMALL]) == 0
    assert "each state is a node" in capsys.readouterr().out.replace("\xa0", " ")


def test_by_may_be_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", FLAGSHIP, *SMALL, "--as", "dot", "--by", "cache.memcg,child"]) == 0
    together = capsys.readouterr().out
    assert (
        run(["graph", FLAGSHIP, *SMALL, "--as", "dot", "--by", "cache.memcg", "--by", "child"]) == 0
    )
    assert capsys.readouterr().out == together


def test_a_limit_is_told_in_the_picture_and_by_the_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["graph", FLAGSHIP, "--max-depth", "3"]) == 4
    told = capsys.readouterr()
    assert "NOT ALL STATES: depth 3 reached" in told.out.replace("\xa0", " ")
    assert told.err == "kmcheck: these are not all states: depth 3 reached\n"


def test_a_stored_run_is_shown_with_its_own_settings(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["graph", FLAGSHIP, "--trace", str(STORED), "--by", "cache.memcg,child"]
    assert run([*command, "--as", "dot"]) == 0
    assert "the numbered way is a run to use-after-free" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--by", "cach.memcg"], "did you mean `cache.memcg`"),
        (["-o", "x.png"], "it may end in .dot, .graphml, .parquet, .svg"),
        (["--as", "parquet"], "-o FILE"),
        (["-p", "use-after-fre"], "did you mean `use-after-free`"),
        (["--trace", str(STORED), "-D", "FREERS=1"], "the trace has its settings"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(
    more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["graph", FLAGSHIP, *more]) == 2
    assert told in capsys.readouterr().err


def test_names_that_there_are_not_are_answered_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["graph", FLAGSHIP, *SMALL, "--by", "foo"]) == 2
    assert "  hint: there is: " in (told := capsys.readouterr().err)
    assert "cache, child, " in told
    assert "such as " in told
    for verb in ("graph", "verify"):
        assert run([verb, FLAGSHIP, *SMALL, "-p", "xyz"]) == 2
        assert "  hint: there is: " in (told := capsys.readouterr().err)
        assert "use-after-free" in told
