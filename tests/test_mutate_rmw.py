"""Read-modify-writes whose result is used, split into a load and a store; stores swapped."""

from __future__ import annotations

import pytest

from kmcheck.driver import Options
from kmcheck.necessity import Outcome, judge, mutants
from kmcheck.verdict import WITHOUT
from tests.language import source

NATIVE = Options(engine="native", without=WITHOUT)

SPEC = """
class Page(Object, limit=3):
    n: Annotated[int, range(5)]

class Place(Object):
    flag: bool
    page: Ref[Page]
    slots: Annotated[ArrayOf[Ref[Page]], 2]
    n: Annotated[int, range(9)]

class G(Object):
    there: Ref[Place]
    inside: Place
    won: Annotated[int, range(5)]

g = G()

def wins() -> None:
    fetch_add(g.won, 1)

@process
def one() -> None:
    TEXT

@setup
def begin() -> None:
    g.there = Place(page=Page())
    g.inside.page = g.there.page
    start(one)
    start(one)

@finally_
def one_wins() -> bool:
    return g.won == 1
"""


def split(text: str) -> list[Outcome]:
    spec = source(SPEC.replace("TEXT", text.replace("\n", "\n    ")))
    return [o for o in judge(spec, NATIVE, 1).outcomes if o.mutator == "rmw"]


ASKED = [
    "if not test_and_set(g.there.flag):\n    wins()",
    "if not test_and_set(g.inside.flag):\n    wins()",
    "page = xchg(g.there.page, None)\nif page is not None:\n    wins()",
    "if g.won == 9:\n    pass\nelif xchg(g.inside.page, None) is not None:\n    wins()",
    "new = g.there.page\nif cmpxchg(g.there.slots[1], None, new) is None:\n    wins()",
    "if g.there.n < 2 and add_return(g.there.n, 1) == 1:\n    wins()",
    "n = fetch_add(g.there.n, 1)\nif n == 0:\n    wins()",
    "again = 0\nwhile again == 0 and fetch_add(g.there.n, 1) == 0:\n    again = 1\n    wins()",
]


@pytest.mark.parametrize("text", ASKED)
def test_what_is_won_by_one_is_won_by_two(text: str) -> None:
    (outcome,) = split(text)
    assert (outcome.verdict, outcome.told) == ("violated", "one_wins")


def test_a_flag_that_is_cleared_is_split_behind_or() -> None:
    text = "first = not test_and_set(g.there.flag)\nif first or not test_and_clear(g.there.flag):"
    outcomes = split(text + "\n    if first:\n        wins()")
    assert len(outcomes) == 2
    assert [o.verdict for o in outcomes if "clear" in o.what] == ["holds"]


def test_what_an_atomic_block_holds_together_is_not_split() -> None:
    text = "with atomic():\n    if not test_and_set(g.there.flag):\n        wins()"
    assert split(text) == []


def test_what_nobody_asks_for_is_split_by_one_mutator() -> None:
    spec = source(SPEC.replace("TEXT", "if not test_and_set(g.there.flag):\n        wins()"))
    outcomes = judge(spec, NATIVE, 1).outcomes
    assert [o.mutator for o in outcomes if "fetch_add" in o.what] == ["atomic"]


def test_additions_that_stand_one_behind_the_other_are_swapped() -> None:
    text = "there = g.there\n    there.n += 1\n    there.flag = True\n    there.n -= 1"
    swaps = {m.what for m in mutants(source(SPEC.replace("TEXT", text))) if m.mutator == "order"}
    assert swaps == {"there.n += 1, then there.flag = True", "there.flag = True, then there.n -= 1"}


def test_what_is_needed_next_is_not_swapped() -> None:
    rows = ["there = g.there", "g.won += there.n", "there.n = 0", "g.there = None"]
    rows += ["g.inside.page = None", "there.page = g.inside.page"]
    text = "\n    ".join(rows)
    swaps = [m.what for m in mutants(source(SPEC.replace("TEXT", text))) if m.mutator == "order"]
    assert swaps == [
        "there.n = 0, then g.there = None",
        "g.there = None, then g.inside.page = None",
    ]
