"""Which fair runs go round for ever in a graph, against all sets of steps that there are."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getsource
from itertools import combinations, pairwise
from random import Random

import networkx as nx
import numpy as np
import pytest

from kmcheck.ir.code import Fairness
from kmcheck.liveness import Graph, decide, lasso
from kmcheck.liveness import fair as fairness
from kmcheck.liveness.decide import Asked
from kmcheck.liveness.fair import fair
from kmcheck.liveness.lasso import Around, Edge, needs, round_from

FAIR: tuple[Fairness, ...] = ("weak", "weak", "strong", "none")


def graph(random: Random) -> Graph:
    """Return a graph of a few states, with up to nine steps."""
    states, actors = random.randint(1, 4), random.randint(1, 3)
    fair = tuple(random.choice(FAIR) for _ in range(actors))
    steps = {
        (random.randrange(states), random.randrange(actors), random.randrange(states))
        for _ in range(random.randint(0, 9))
    }
    return of(states, sorted(steps), fair)


def of(states: int, steps: list[Edge], fair: tuple[Fairness, ...]) -> Graph:
    starts = [sum(1 for step in steps if step[0] < n) for n in range(states + 1)]
    return Graph(
        np.array(starts, dtype=np.int64),
        np.array([t for _, _, t in steps], dtype=np.int32),
        np.array([a for _, a, _ in steps], dtype=np.int16),
        1,
        fair,
    )


def steps_of(whole: Graph) -> list[Edge]:
    ends = zip(whole.sources.tolist(), whole.actors.tolist(), whole.targets.tolist(), strict=True)
    return list(ends)


def rounds(whole: Graph) -> Iterator[tuple[Edge, ...]]:
    """Yield all sets of steps that a run can take again and again, and no others, and is fair."""
    steps = steps_of(whole)
    for size in range(1, len(steps) + 1):
        for chosen in combinations(steps, size):
            ways = nx.DiGraph([(s, t) for s, _, t in chosen])
            if nx.is_strongly_connected(ways) and is_fair(whole, chosen):
                yield chosen


def is_fair(whole: Graph, chosen: tuple[Edge, ...]) -> bool:
    states = {s for s, _, _ in chosen}
    for actor, how in enumerate(whole.fair):
        can = {s for s, a, _ in steps_of(whole) if a == actor}
        goes = any(a == actor for _, a, _ in chosen)
        if not goes and ((how == "weak" and states <= can) or (how == "strong" and states & can)):
            return False
    return True


def same(random: Random) -> None:
    """Compare what is found in a random graph with all that there is."""
    whole = graph(random)
    within = np.array([random.random() < 0.8 for _ in range(whole.states)])
    actor = random.randrange(len(whole.fair))
    all_rounds = [c for c in rounds(whole) if all(within[s] for s, _, _ in c)]
    for of_, without in ((None, None), (actor, None), (None, actor)):
        wanted = [
            c
            for c in all_rounds
            if (of_ is None or any(a == of_ for _, a, _ in c))
            and (without is None or all(a != without for _, a, _ in c))
        ]
        expected = {s for c in wanted for s, _, _ in c}
        found = fair(whole, within, of=of_, without=without)
        assert set(np.flatnonzero(found).tolist()) == expected
        for state in expected:
            goes_round(whole, found, state, of_, without)
    rests(whole, within, going=bool(all_rounds))


def goes_round(
    whole: Graph, found: np.ndarray, state: int, of_: int | None, without: int | None
) -> None:
    """Make sure that a round through a state is one, and fair; the greedy one, too."""
    within = decide._component(whole, found, state, without)
    around = Around(whole, within, without, *needs(whole, of_, within))
    for edges in (round_from(around, state), lasso._any(around, state)):
        assert edges[0][0] == edges[-1][2] == state
        assert all(a[2] == b[0] for a, b in pairwise(edges))
        assert set(edges) <= set(steps_of(whole))
        assert is_fair(whole, edges)
        assert of_ is None or any(a == of_ for _, a, _ in edges)
        assert all(a != without for _, a, _ in edges)


def rests(whole: Graph, within: np.ndarray, *, going: bool) -> None:
    """Make sure that a run on which something never comes is found where there is one."""
    words = np.where(within, 1, 0).astype(np.uint64)
    asked = Asked("law", "recurring", words, np.ones_like(words))
    movers = {s for s, a, _ in steps_of(whole) if whole.fair[a] != "none"}
    stays = any(within[s] and s not in movers for s in range(whole.states))
    assert (decide._lasso(whole, asked, 0) is not None) == (going or stays)


def compare(seed: int, times: int) -> None:
    random = Random(seed)  # noqa: S311 - the same each time
    for _ in range(times):
        same(random)


@pytest.mark.parametrize("seed", range(4))
def test_all_fair_rounds_are_found_and_no_others(seed: int) -> None:
    compare(seed, 150)


FAULTS = {
    "who is always able need not go": ('if fairness == "weak":', 'if fairness == "never":'),
    "who can never rest is left out": ("< part.sizes)", "<= part.sizes)"),
    "strong fairness is taken for weak": (
        "(part.enabled(actor) > 0)",
        "(part.enabled(actor) == part.sizes)",
    ),
    "who is left out is not looked for again": ("if left_out.any():", "if False:"),
    "a component without a step is a round": ("part.going_round.copy()", "part.going_round | True"),
    "the actor need not go": ("good &= part.taken(of)", "pass"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_it_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = FAULTS[name]
    text = getsource(fairness)
    assert text.count(old) == 1
    changed: dict[str, object] = {}
    exec(compile(text.replace(old, new), "fault", "exec"), changed)  # noqa: S102 - our own text
    monkeypatch.setitem(globals(), "fair", changed["fair"])
    with pytest.raises((AssertionError, IndexError, KeyError, StopIteration)):
        compare(1, 400)
