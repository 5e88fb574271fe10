"""The benchmark compares like with like, and says what it could not measure.

Its models are run at sizes that take a second; nothing here depends on how fast anything is.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.measure import once, side_by_side
from benchmarks.peers import (
    HOLDS,
    PLAIN,
    Answer,
    Kmcheck,
    Look,
    Rumur,
    Spin,
    Tool,
    answer,
    missing,
    unfinished,
)
from benchmarks.results import START, load
from benchmarks.scenarios import QRCU, SEED, Scenario, rumur_reparent, table
from benchmarks.side_by_side import Disagreement, kept, measure, warmed

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "benchmarks" / "run"

REPARENT = [((2, 3), 10_544, 27_095)]
QRCUS = [((1, 2), 1_630, 3_882), ((2, 1), 3_830, 9_691)]


def reparent(sizes: tuple[int, ...]) -> dict[str, Tool]:
    cpus, pages = sizes
    settings = {"F": cpus, "P": pages, "K": 2}
    return {
        "kmcheck": Kmcheck(spec=SEED, settings=settings, apart=False),
        "SPIN": Spin(model="reparent.pml", settings=settings, compile=("-O0", "-DNOREDUCE")),
        "Rumur": rumur_reparent(cpus, pages),
    }


def qrcu(sizes: tuple[int, ...]) -> dict[str, Tool]:
    updaters, readers = sizes
    peers = {"NUPDATERS": updaters, "NREADERS": readers}
    plain = ("-O0", "-DNOREDUCE")
    return {
        "kmcheck": Kmcheck(
            spec=QRCU, settings={"UPDATERS": updaters, "READERS": readers}, apart=False
        ),
        "SPIN": Spin(model="qrcu.pml", settings=peers, generate=("-o2",), compile=plain),
        "Rumur": Rumur(model="qrcu.m", settings=peers),
    }


CASES = [(reparent(s), n, t) for s, n, t in REPARENT] + [(qrcu(s), n, t) for s, n, t in QRCUS]


@pytest.mark.parametrize(("tools", "states", "transitions"), CASES)
@pytest.mark.parametrize("title", ["kmcheck", "SPIN", "Rumur"])
def test_each_tool_counts_the_same(
    title: str, tools: dict[str, Tool], states: int, transitions: int
) -> None:
    lacking = missing(tools[title])
    if lacking:
        pytest.skip(lacking)
    record = measure(Scenario("one", "One", {title: tools[title]}, states), 1)
    found = record.entry(title)
    assert found is not None
    assert (found.states, found.transitions, found.verdict) == (states, transitions, HOLDS)


def test_another_count_is_an_error() -> None:
    with pytest.raises(Disagreement, match="118 states, and not 119"):
        measure(Scenario("one", "One", {"kmcheck": qrcu((1, 1))["kmcheck"]}, 119), 1)


def test_a_violation_is_an_error() -> None:
    flags = (*PLAIN, "-D", "SECOND_LOOK=no")
    tool = Kmcheck(spec=QRCU, settings={"UPDATERS": 2, "READERS": 1}, flags=flags)
    with pytest.raises(Disagreement, match="kmcheck: violated after"):
        measure(Scenario("one", "One", {"kmcheck": tool}), 1)


def test_a_run_that_gives_up_is_a_result_only_where_that_is_said() -> None:
    tool = Kmcheck(spec=QRCU, flags=(*PLAIN, "--max-states", "50"), compared=False)
    scenario = Scenario("one", "One", {"kmcheck": tool})
    with pytest.raises(Disagreement, match="gave up: 50 states reached"):
        measure(scenario, 1)
    record = measure(replace(scenario, may_give_up=True), 1)
    assert record.entries[0].verdict == "gave up: 50 states reached"
    assert [part.name for part in record.entries[0].parts] == [START, "search"]


def test_what_explores_nothing_is_measured_and_has_to_end_well() -> None:
    fine = Look(called="Python", command=("-c", "pass"), compared=False)
    wrong = Look(called="kmcheck", command=("-m", "kmcheck", "lint", "no.py"), compared=False)
    gone = Look(called="other", command=(), module="no_such_module", compared=False)
    record = measure(Scenario("lint", "Lint", {"fine": fine, "gone": gone}), 2)
    assert record.skipped == {"gone": "no no_such_module here: pip install no_such_module"}
    (found,) = record.entries
    assert (found.tool, found.states, found.verdict, len(found.search.runs)) == (
        "Python",
        0,
        HOLDS,
        2,
    )
    with pytest.raises(RuntimeError, match="ended with 2"):
        measure(Scenario("lint", "Lint", {"wrong": wrong}), 1)


def test_a_tool_that_is_not_there_is_skipped_with_a_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None if program == "rumur" else program)
    record = measure(Scenario("one", "One", {"Rumur": Rumur(model="qrcu.m")}, 118), 1)
    assert record.skipped == {"Rumur": "no rumur here: apt install rumur"}
    assert record.entries == ()


def test_what_takes_too_long_is_ended_and_told(tmp_path: Path) -> None:
    told = "41 states explored in 1s, with 97 rules fired and 3 states in the queue."
    code = f"import time; print('{told}', flush=True); time.sleep(60)"
    found = once((sys.executable, "-c", code), tmp_path, limit=1)
    assert (found.cut, found.wall < 60) == (True, True)
    tool = Rumur(model="")
    assert unfinished(tool, found.output, "late") == Answer(41, 97, "gave up: late")
    assert unfinished(tool, "", "late") == Answer(0, 0, "gave up: late")


def test_a_peer_that_is_ended_is_a_result_where_that_is_said() -> None:
    tool = Rumur(model="qrcu.m", settings={"NUPDATERS": 3, "NREADERS": 3}, limit=0.01)
    if lacking := missing(tool):
        pytest.skip(lacking)
    scenario = Scenario("one", "One", {"Rumur": tool}, may_give_up=True)
    record = measure(scenario, 2)
    assert record.entries[0].verdict == "gave up: ended after 0.01 s"
    assert len(record.entries[0].search.runs) == 2


def test_a_limit_is_for_who_has_one() -> None:
    tools: dict[str, Tool] = {"a": Rumur(model="", limit=9), "b": Rumur(model="")}
    found = Scenario("one", "One", tools).within(7).tools
    assert found == {"a": Rumur(model="", limit=7), "b": Rumur(model="")}


def test_compiled_modules_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "")
    warmed(tmp_path)
    found = {path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")}
    assert {"driver", "search", "reference", "executionengine"} <= found


def test_nothing_that_is_measured_depends_on_defaults() -> None:
    ours = [t for s in table() for t in s.tools.values() if isinstance(t, Kmcheck)]
    assert all({"--engine", "--no-reduce", "-j"} <= set(tool.flags) for tool in ours)


def test_the_command_says_from_anywhere_what_it_measures(tmp_path: Path) -> None:
    found = once((str(RUN), "--list"), tmp_path, (0,))
    assert re.findall(r"^(\w+) ", found.output, re.MULTILINE) == [s.name for s in table()]


# --- what the tools say -------------------------------------------------------------------------

SPIN_SAYS = "errors: {}\n  118 states, stored\n 209 transitions (= stored+matched)\n"
RUMUR_SAYS = "Status:\n\n\t{}\n\n\t118 states, 208 rules fired in 0s.\n"


@pytest.mark.parametrize(
    ("tool", "output", "verdict"),
    [
        (Spin(model=""), SPIN_SAYS.format(0), HOLDS),
        (Spin(model=""), SPIN_SAYS.format(1), "violated"),
        (Spin(model=""), "Warning: Search not completed\n" + SPIN_SAYS.format(0), "gave up"),
        (Spin(model=""), "error: max search depth too small\n" + SPIN_SAYS.format(0), "gave up"),
        (Rumur(model=""), RUMUR_SAYS.format("No error found."), HOLDS),
        (Rumur(model=""), RUMUR_SAYS.format("1 error(s) found."), "violated"),
    ],
)
def test_an_answer_is_read(tool: Tool, output: str, verdict: str) -> None:
    assert answer(tool, output) == Answer(118, 208, verdict)


def test_warnings_may_stand_around_an_answer() -> None:
    told = {
        "label": [{"states": 118, "transitions": 208, "stopped": None, "reductions": ["dead (1)"]}],
        "results": [{"verdict": "holds"}],
    }
    output = f"warning: slow\n{json.dumps(told)}\nwarning: old\n"
    assert answer(Kmcheck(spec=""), output) == Answer(118, 208, HOLDS, ("dead (1)",))


def test_scenarios_without_results_are_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None)
    assert kept(Scenario("one", "One", {"Rumur": Rumur(model="qrcu.m")}), 1, tmp_path / "r.json")
    assert load(tmp_path / "r.json") == {}


@pytest.mark.parametrize("tool", [Spin(model=""), Rumur(model="")])
def test_an_output_without_counts_is_refused(tool: Tool) -> None:
    with pytest.raises(ValueError, match="gave no counts"):
        answer(tool, "Killed")


def test_children_are_accounted_for(tmp_path: Path) -> None:
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'bytearray(1 << 27)'])"
    found = once((sys.executable, "-c", busy), tmp_path)
    assert found.peak >= 1 << 27
    assert 0 < found.cpu == found.user + found.system


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 3"):
        side_by_side((sys.executable, "-c", "raise SystemExit(3)"), tmp_path, 2)
