"""Ratios and targets are computed right, and the page shows the results that are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.peers import HOLDS, Kmcheck
from benchmarks.results import START, Entry, Machine, Part, Record, Run, load, save
from benchmarks.scenarios import QRCU, Scenario, table
from benchmarks.side_by_side import kept
from benchmarks.targets import TARGETS, Measured, measured
from docs import performance

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def entry(title: str, seconds: tuple[float, ...], states: int = 1000, copies: int = 1) -> Entry:
    runs = tuple(Run(s / 2, s / 2, 2 * s, 24_000) for s in seconds)
    peer = title.startswith(("SPIN", "Rumur"))
    compiling, starting = Run(1.0, 0.5, 2.0, 1), Run(0.125, 0.125, 0.5, 1)
    first = Part("compile", (compiling,)) if peer else Part(START, (starting,))
    parts = (first, Part("search", runs, copies))
    return Entry(title, title.partition(" ")[0], True, states, 5000, HOLDS, parts)


def record(name: str, *entries: Entry) -> Record:
    machine = Machine("a processor", 2, 2**34, "a system", {"gcc": "1.2"})
    return Record(name, name, "2026-01-01", machine, entries, {"Rumur": "none here"})


def test_a_rate_is_of_the_median_cpu_time_of_the_search() -> None:
    found = entry("SPIN", (4.0, 2.0, 1.0))
    assert (found.search.cpu.least, found.search.cpu.median, found.search.cpu.most) == (1, 2, 4)
    assert (found.before, found.alone_cpu, found.whole_cpu) == (1.5, 2, 3.5)
    assert (found.alone_rate, found.rate) == (500, 1000 / 3.5)
    assert (found.whole_wall, found.bytes_per_state) == (6, 24)


def test_what_comes_before_our_search_is_in_its_process_and_counted_once() -> None:
    found = entry("kmcheck", (1.0,))
    assert (found.before, found.alone_cpu, found.whole_cpu) == (0.25, 0.75, 1.0)
    assert (found.rate, found.whole_wall) == (1000, 2)


def test_a_search_that_takes_nothing_has_no_rate() -> None:
    found = entry("kmcheck", (0.25,))
    assert (found.alone_cpu, found.alone_rate) == (None, None)


def test_what_runs_at_the_same_time_adds_up() -> None:
    two = entry("two searches", (2.0, 2.0), copies=2)
    one = entry("-j 2", (1.25,))
    assert (two.flow, one.flow) == (500, 400)
    target = next(t for t in TARGETS if "two_threads" in t.scenarios)
    found = measured(target, {"two_threads": record("two_threads", two, one)})
    assert [(m.value, m.met) for m in found] == [(0.8, False), (0.875, True)]


@pytest.mark.parametrize(
    ("one", "met", "missed"),
    [
        (Measured(5, "at least", 10, ""), False, 2),
        (Measured(10, "at least", 10, ""), True, 1),
        (Measured(40, "at most", 10, ""), False, 4),
        (Measured(5, "at most", 10, ""), True, 0.5),
    ],
)
def test_a_target_is_met_or_missed_by_a_factor(one: Measured, met: bool, missed: float) -> None:
    assert (one.met, one.missed_by) == (met, missed)


def test_a_target_says_nothing_without_its_scenario_or_its_peer() -> None:
    alone = {"reparent": record("reparent", entry("kmcheck", (1.0,)))}
    assert [measured(t, records) for t in TARGETS for records in ({}, alone)] == [[]] * 2 * len(
        TARGETS
    )


def test_the_targets_name_scenarios_and_rows_that_there_are() -> None:
    scenarios = table()
    assert len({s.name for s in scenarios}) == len(scenarios)
    records = {s.name: record(s.name, *(entry(t, (1.0,)) for t in s.tools)) for s in scenarios}
    assert all(measured(target, records) for target in TARGETS)


# --- the page -----------------------------------------------------------------------------------


def test_records_are_kept_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    records = {"reparent": record("reparent", entry("kmcheck", (1.0, 2.0)))}
    assert load(path) == {}
    save(records, path)
    assert load(path) == records


def test_results_stand_in_the_order_of_the_scenarios(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    names = [scenario.name for scenario in table()]
    save({name: record(name, entry("kmcheck", (1.0,))) for name in (*names[:0:-1], "old")}, path)
    first = Scenario(names[0], "One", {"kmcheck": Kmcheck(spec=QRCU, apart=False)})
    assert kept(first, 1, path)
    assert list(load(path)) == [*names, "old"]


def test_programs_that_explore_nothing_have_a_table_without_states() -> None:
    ours = entry("kmcheck lint, reparent_caches", (0.25, 0.5, 0.125), states=0)
    found = performance.results({"lint": record("lint", ours)})
    assert "| program | CPU s | wall s | MiB |" in found
    assert "| kmcheck lint, reparent_caches | 0.25 (0.12 to 0.50) | 0.50 | 0 |" in found
    target = next(t for t in TARGETS if "lint" in t.scenarios)
    assert [m.met for m in measured(target, {"lint": record("lint", ours)})] == [True]


def test_the_tables_tell_ratios_and_targets() -> None:
    rows = entry("kmcheck", (1.0,)), entry("SPIN -O3", (4.0,))
    records = {"reparent": record("reparent", *rows)}
    found = performance.results(records)
    assert "| 1,000 | 1.50 | 4.00 | 5.50 (5.50 to 5.50) | 2.00 | 10.00 |" in found
    assert "| 250 | 182 | 5.33 times | 5.5 times |" in found
    assert "| Rumur | none here |" in found
    found = performance.targets(records)
    assert "| 5.5 times, whole processes; 5.33 times, searches alone |" in found
    assert "| **1.82 times**; **1.88 times** |" in found


def test_a_table_of_growth_compares_each_row_with_the_one_above() -> None:
    last = replace(entry("2", (4.0,), 3000), reductions=("dead (1)", "symmetry (2)"))
    rows = entry("1", (1.0,)), last
    found = performance.results({"frees": replace(record("frees", *rows), growth=True)})
    assert "| 1 | 1,000 |  | 1.00 (1.00 to 1.00) |  | 2.00 | 0 |" in found
    assert "| 2 | 3,000 | 3 | 4.00 (4.00 to 4.00) | 4 | 8.00 | 0 |" in found
    assert "\n\nReductions (2): dead (1), symmetry (2).\n" in found


def test_the_page_shows_the_results_that_are_kept() -> None:
    page = PAGE.read_text("utf-8")
    assert page == performance.filled(page), "renew it: ./run python -m docs.generate"
    assert all(r.title in page for r in load().values())
