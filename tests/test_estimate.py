"""How large a space will be is told from its levels, with what that is worth."""

from __future__ import annotations

from functools import cache
from math import comb
from pathlib import Path

import pytest

from kmcheck import shelf
from kmcheck.claims import Clock
from kmcheck.estimate import DOUBT, FEWEST, total
from kmcheck.frontend import compile_spec, read
from kmcheck.frontend.lock_order import UNCHECKED
from kmcheck.ir.program import LOCK_ORDER
from kmcheck.protocols import Engine, Progress, Question
from kmcheck.solver import Solver
from kmcheck.system import build
from kmcheck.verdict import Budget

ROOT = Path(__file__).resolve().parent.parent

LARGER = [
    ("classic/bounded_buffer", ""),
    ("classic/qrcu", "UPDATERS=2"),
    ("classic/qrcu", "READERS=3"),
    ("classic/seqlock", ""),
    ("classic/two_phase_commit", "MANAGERS=5"),
    ("kmemcg/clear_backpointer", "FREERS=2"),
    ("kmemcg/move_slabs", ""),
    ("kmemcg/page_owner_drain", "BUSY=2"),
    ("kmemcg/reparent_caches", "FREERS=3"),
    ("kmemcg/reparent_charge", "STRAGGLERS=2"),
    ("kmemcg/reparent_hierarchy", ""),
    ("kmemcg/reparent_lists", ""),
]


@cache
def levels(engine: str, spec: str, setting: str) -> list[int]:
    """Return how many states there are at each depth, as the engine reports it."""
    path = str(ROOT / "specs" / f"{spec}.py")
    name, _, value = setting.partition("=")
    settings = {name: value} if setting else {}
    compiled = compile_spec(read(path), {**settings, LOCK_ORDER: UNCHECKED})
    last: list[Progress] = []

    def report(now: Progress) -> None:
        last[:] = [now]

    system = build(compiled, Solver().holds)
    explorer: Engine = shelf.take("engines", engine, "ENGINE")
    found = explorer.search(system, Question(), Solver(), Budget(), report)
    assert found.complete
    assert found.statistics.states == sum(last[0].levels)
    assert found.statistics.depth == len(last[0].levels) - 1
    return list(last[0].levels)


@pytest.mark.parametrize(("spec", "setting"), LARGER)
def test_the_true_number_lies_in_between(spec: str, setting: str) -> None:
    sizes = levels("native", spec, setting)
    told = [total(sizes[: int(share * len(sizes))]) for share in (0.6, 0.8, 1)]
    for bounds in told:
        assert bounds is None or bounds[0] <= sum(sizes) <= bounds[1]
    assert told[-1] is not None


def test_beyond_the_peak_there_nearly_always_is_an_estimate() -> None:
    inside = outside = early = late = 0
    for spec, setting in LARGER:
        sizes = levels("native", spec, setting)
        peak = sizes.index(max(sizes))
        for count in range(1, len(sizes)):
            bounds = total(sizes[:count])
            if bounds is None:
                late += count > peak + FEWEST
            else:
                early += count <= peak
                right = bounds[0] <= sum(sizes) <= bounds[1]
                inside, outside = inside + right, outside + (not right)
    assert inside >= 0.95 * (inside + outside)
    assert early <= 0.1 * (inside + outside)
    assert late <= 0.05 * (inside + outside)


@pytest.mark.parametrize("spec", ["classic/peterson", "classic/qrcu"])
def test_engines_report_the_same_levels(spec: str) -> None:
    assert levels("native", spec, "") == levels("reference", spec, "")


@pytest.mark.parametrize("length", [20, 30, 60])
def test_of_a_bell_the_end_is_known_beyond_its_peak(length: int) -> None:
    bell = [comb(length, n) for n in range(length + 1)]
    for count in range(length // 2 + 6, length + 1):
        bounds = total(bell[:count])
        assert bounds is not None
        low, high = bounds
        assert low <= 2**length <= high
        left = 2**length - sum(bell[:count])
        assert high - low <= 2 * DOUBT**2 * left + 0.2 * 2**length


@pytest.mark.parametrize(
    "sizes",
    [
        [],
        [1],
        [1, 4, 16, 30, 20, 10, 2],  # too few levels
        [2**n for n in range(20)],  # grows as ever
        [n + 1 for n in range(40)],
        [comb(40, n) for n in range(18)],  # before the peak
    ],
)
def test_there_is_no_estimate_before_the_peak(sizes: list[int]) -> None:
    assert total(sizes) is None


def test_levels_that_stay_as_they_are_promise_nothing_good() -> None:
    bounds = total([1, 2, 4, *[8] * 60])
    assert bounds is None or bounds[1] > 2 * sum([1, 2, 4, *[8] * 60])


def test_few_digits_are_told_and_never_too_narrow() -> None:
    bounds = total([comb(30, n) for n in range(25)])
    assert bounds is not None
    for bound in bounds:
        assert len(str(bound).rstrip("0")) <= 2


def test_a_search_that_begins_again_has_its_levels_anew() -> None:
    seen: list[list[int]] = []
    clock = Clock(Budget(), lambda now: seen.append(list(now.levels)))
    for states, depth in ((2, 0), (5, 1), (5, 1), (9, 2), (3, 0), (4, 1)):
        clock.descend(depth)
        clock.look(Progress(states, 0, depth, 0))
        clock.look(Progress(states + 7, 0, depth, 0))
    assert seen[1::2] == [[2], [2, 3], [2, 3], [2, 3, 4], [3], [3, 1]]


def test_an_engine_that_skips_a_level_has_no_levels() -> None:
    seen: list[list[int]] = []
    clock = Clock(Budget(), lambda now: seen.append(list(now.levels)))
    for depth in (0, 2):
        clock.descend(depth)
        clock.look(Progress(depth + 1, 0, depth, 0))
    assert seen == [[1], []]
