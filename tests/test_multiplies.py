"""A search that is given up tells which variables multiply the states most."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from kmcheck import multiplies
from kmcheck.driver import Options, verify
from kmcheck.formats.json import FORMAT as JSON
from kmcheck.formats.text import FORMAT as TEXT
from kmcheck.frontend import read
from kmcheck.multiplies import multiplied, sampled
from kmcheck.protocols import FormatOptions, Told
from kmcheck.semantics import State
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Multiplied, Result
from tests.language import explore, program, system

ROOT = Path(__file__).resolve().parent.parent

FIELDS = "a: Annotated[int, range(8)]\nb: Annotated[int, range(8)]\nc: bool"
STATIC = program(FIELDS, "x = 1\ng.c = x == 1\ng.c = x == 2")


def space(**ranges: int) -> tuple[TransitionSystem, list[State]]:
    """Return a system, and all states in which its fields have so many values each."""
    found, _ = system(STATIC)
    (_, first), *_ = found.initial
    states = []
    for values in product(*(range(n) for n in ranges.values())):
        state = list(first)
        for name, value in zip(ranges, values, strict=True):
            state[found.layout.fields["G", name]] = value
        states.append(tuple(state))
    return found, states


def factors(found: Multiplied) -> dict[str, float]:
    return {m.name: m.factor for m in found.by}


def test_in_a_product_each_variable_multiplies_by_its_values() -> None:
    found, states = space(a=5, b=2, c=2)
    told = multiplied(found.layout, states, len(states))
    assert factors(told) == {"G.a": 5, "G.b": 2, "G.c": 2}
    assert told.by[0].name == "G.a"
    assert told.sample == 0


def test_what_follows_from_the_rest_multiplies_nothing() -> None:
    found, states = space(a=5, b=5)
    a, b = (found.layout.fields["G", name] for name in "ab")
    sums = [state for state in states if state[a] == state[b]]
    assert multiplied(found.layout, sums, len(sums)).by == ()
    some = [state for state in states if state[a] >= state[b]]
    assert factors(multiplied(found.layout, some, len(some))) == {"G.a": 3, "G.b": 3}


def test_all_objects_of_a_kind_and_all_instances_of_a_process_are_one_variable() -> None:
    found, _ = system(
        """
class Page(Object, limit=4):
    n: Annotated[int, range(4)]


@process
def release(page: Page) -> None:
    k = page.n
    page.n = helper(k)
    page.n = k


def helper(n: int) -> int:
    m = n
    page = Page()
    wait_until(page.n == m)
    return m


@setup
def begin() -> None:
    start(release, Page())
    start(release, Page())
"""
    )
    where = multiplies.groups(found.layout)
    pages, processes = found.layout.pool("Page"), 2
    assert sum(n for _, n in where["Page.n"]) == pages
    assert sum(n for _, n in where["release.k"]) == processes
    assert sum(n for _, n in where["release.helper.m"]) == processes
    assert "the progress of release" in where
    assert not [name for name in where if "@" in name]
    slots = [at for parts in where.values() for first, n in parts for at in range(first, first + n)]
    assert sorted(slots) == list(range(found.layout.size))


@pytest.mark.parametrize("states", [0, 1, multiplies.SAMPLE])
def test_all_states_are_looked_at_if_they_are_few(states: int) -> None:
    assert sampled(states) == range(states)


@pytest.mark.parametrize("states", [multiplies.SAMPLE + 1, 1_000_000])
def test_of_many_states_a_block_is_looked_at(states: int) -> None:
    which = sampled(states)
    assert len(which) == multiplies.SAMPLE
    assert which.start >= 0
    assert which.stop <= states
    assert which.step == 1


def given_up(states: int) -> Result:
    spec = str(ROOT / "specs" / "classic" / "qrcu.py")
    return verify(read(spec), Options(budget=Budget(states=states), engine="reference"))


def shown(result: Result) -> str:
    return " ".join(TEXT.render([Told(result, {})], FormatOptions()).split())


def test_the_label_of_a_search_that_is_given_up_names_them() -> None:
    told = shown(given_up(300))
    assert "multiplied the state space is multiplied most by " in told
    assert "updater.before (x " in told
    assert "in a sample" not in told
    document = json.loads(JSON.render([Told(given_up(300), {})], FormatOptions()))
    (label,) = document["label"]
    assert label["multiplied"][0]["factor"] >= label["multiplied"][1]["factor"] > 1
    assert label["sampled"] == 0


def test_the_label_says_that_it_is_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiplies, "SAMPLE", 200)
    assert "in a sample of 200 states" in shown(given_up(300))


@pytest.mark.parametrize("budget", [Budget(depth=8), Budget(seconds=0), Budget(bytes=1)])
def test_every_budget_that_is_used_up_leads_to_it(budget: Budget) -> None:
    spec = read(str(ROOT / "specs" / "classic" / "qrcu.py"))
    label = verify(spec, Options(budget=budget, engine="reference")).label
    assert label.stopped
    assert bool(label.statistics.multiplied.by) == (label.statistics.states > 1)


def test_where_the_answer_is_known_nothing_multiplies() -> None:
    text = program("n: Annotated[int, range(8)]", "g.n = 1\ng.n = 2", "g.n = 3")
    for spec in (text, text + "@always\ndef law() -> bool:\n    return g.n != 3\n"):
        result = explore(spec)
        assert result.label.statistics.multiplied == Multiplied()
        assert "multiplied" not in shown(result)
