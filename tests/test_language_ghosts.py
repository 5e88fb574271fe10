"""Ghosts: written along the way, read by properties, and nothing depends on them."""

from __future__ import annotations

import pytest

from tests.language import explore, finals, program, refusal, states, verdict

NUMBER = "Annotated[int, range(8)]"
FIELDS = f"""
n: {NUMBER}
m: {NUMBER}
go: bool
p: Ref['Page']
h: Ghost[{NUMBER}]
k: Ghost[bool]
who: Ghost[SetOf[Process]]
last: Ghost[Ref['Page']]
numbers: Ghost[Annotated[ArrayOf[{NUMBER}], 2]]
"""
PAGE = f"""
class Page(Object, limit=2):
    seen: Ghost[{NUMBER}]
    up: Ghost[Ref['Page']]
    k: {NUMBER}
"""


def run(*bodies: str, more: str = "", begin: str = "") -> str:
    return program(FIELDS, *bodies, more=PAGE + more, begin=begin)


WITH = """
g.h = 1
g.n = 1
g.who.add(me())
with ghost():
    old = g.h
    if g.go:
        new = old + 1
    else:
        new = old + 2
    g.h = new
    g.k = g.n == 1
    g.numbers[1] = g.m
g.m = g.n
g.h += 1
g.numbers[0] = 3
g.who.discard(me())
"""
WITHOUT = "g.n = 1\ng.m = g.n"


def test_ghost_code_adds_no_states_and_no_steps() -> None:
    for others in ([], ["g.go = True"], ["g.go = True\ng.n = 2", "x = g.m\ng.m = x"]):
        ghostly, plain = explore(run(WITH, *others)), explore(run(WITHOUT, *others))
        assert ghostly.label.statistics.depth == plain.label.statistics.depth
    assert states(run(WITH)) == states(run(WITHOUT))
    # what ghosts remember is part of the state: here, whether the other came first
    assert states(run("g.n = 1\ng.h = 3", "g.m = 1")) == states(run("g.n = 1", "g.m = 1"))


def test_ghost_code_rides_on_the_step_before_it() -> None:
    law = "@always\ndef law() -> bool:\n    return g.h == g.n\n"
    assert verdict(run("g.n = 1\ng.h = 1\ng.n = 2\ng.h = 2\ng.n = 0\ng.h = 0") + law) == "holds"
    assert verdict(run("g.h = 1\ng.n = 1\n") + law) == "law"
    counted = "fetch_add(g.n, 1)\ng.h += 1\nfetch_add(g.n, 1)\ng.h += 1"
    assert verdict(run(counted, counted) + law) == "holds"


def test_ghost_code_is_never_raced_on() -> None:
    assert finals(run("g.n = 1\ng.h += 1", "g.m = 1\ng.h += 1"), "h") == {2}


def test_ghost_code_sees_what_is_there_with_its_step() -> None:
    look = "g.n = 1\nwith ghost():\n    g.k = g.m == 1"
    assert finals(run(look, "g.m = 1"), "k") == {0, 1}
    assert states(run(look, "g.m = 1")) == 2 * 2 + 1  # the last one, with two values of k


@pytest.mark.parametrize(
    ("code", "violation"),
    [
        ("g.n = 1\nwith ghost():\n    g.h = g.p.k", "null-deref"),
        ("g.n = 1\ng.who.remove(me())", "list-corruption"),
        ("g.n = 1\ng.h -= 1", "range"),
        ("page = Page()\ng.p = page\nfree(page)\ng.p.seen = 1", "use-after-free"),
        ("g.n = 1\nwith ghost():\n    assert g.h == 1", "assertion"),
    ],
)
def test_what_goes_wrong_in_ghost_code_is_found(code: str, violation: str) -> None:
    assert verdict(run(code)) == violation


@pytest.mark.parametrize(
    "code",
    [
        "if g.k:\n    g.n = 1",
        "while g.k:\n    g.n = 1",
        "g.n = 1 if g.k else 2",
        "x = g.h",
        "x = g.n + g.h",
        "x = g.n == 1 and g.k",
        "g.n = g.h",
        "g.n += g.h",
        "assert not g.k",
        "wait_until(not g.k)",
        "with atomic():\n    wait_until(not g.k)",
        "x = choose(g.who)",
        "x = choose(1, g.h)",
        "for x in g.who:\n    pause()",
        "with atomic():\n    x = count(p for p in processes() if p in g.who)",
        "x = g.n\ny = x in g.numbers",
        "take(g.h)",
        "x = xchg(g.h, 1)",
        "x = g.last.k",
        "x = Page()\nx.k = g.h\ng.p = x",
        "with atomic():\n    x = closure(g.p, Page.up)",
    ],
)
def test_code_does_not_depend_on_ghosts(code: str) -> None:
    more = f"def take(v: {NUMBER}) -> None:\n    g.n = v\n"
    assert refusal(run(code, more=more)) in {"K044", "K049"}


@pytest.mark.parametrize(
    "code",
    [
        "    g.n = 1",
        "    put()",
        "    wait_until(g.k)",
        "    g.k = choose(True, False)",
        "    start(p0)",
        "    free(g.p)",
        "    g.last = Page()",
        "    x = uninitialised(Page)",
        "    for p in g.who:\n        g.k = True",
        "    x = 2",
        "    x += 1",
        "    for x in range(2):\n        g.k = True",
        "    s.add(me())",
        "    return",
        "    if g.k:\n        return",
        "    if g.k:\n        break",
        "    continue",
        "    while True:\n        break\n    break",
        "    with ghost():\n        g.k = True\n    g.n = 1",
    ],
)
def test_ghost_code_does_nothing_but_write_ghosts(code: str) -> None:
    more = "def put() -> None:\n    g.n = 1\n"
    lines = ["x = 1", "s: SetOf[Process] = SetOf()", "while True:", "    g.n = x"]
    block = "\n".join(f"    {line}" for line in ["with ghost():", *code.splitlines()])
    assert refusal(run("\n".join(lines) + f"\n{block}", more=more)) == "K044"


def test_what_ghost_code_names_is_for_ghost_code_only() -> None:
    kept = "g.n = 1\nwith ghost():\n    x = g.h\ng.n = 2\n"
    assert refusal(run(kept + "g.m = x")) == "K042"
    assert refusal(run(kept + "if x:\n    g.m = 1")) == "K042"
    assert verdict(run(kept + "with ghost():\n    g.h = x + 1")) == "holds"
    assert finals(run(kept + "with ghost():\n    g.h = x + 1"), "h") == {1}
    assert finals(run(kept + "x = 5\ng.m = x\nwith ghost():\n    g.h = x"), "h") == {5}


def test_ghost_code_may_loop_and_call_on_its_own() -> None:
    more = f"def double(v: {NUMBER}) -> {NUMBER}:\n    x = v\n    x += v\n    return x\n"
    code = """
g.n = 1
with ghost():
    i = 0
    while i < 2:
        i += 1
        if g.go:
            break
    for j in range(3):
        g.h = j
    g.h = double(i) + g.h
"""
    assert finals(run(code, more=more), "h") == {2 * 2 + 2}
    assert states(run(code, more=more)) == 2


def test_a_ghost_keeps_no_object_from_being_lost() -> None:
    assert verdict(run("x = Page()\ng.last = x\ng.n = 1")) == "leak"
    assert verdict(run("x = Page()\ng.p = x\ng.n = 1")) == "holds"


def test_a_dangling_ghost_makes_no_slot_another() -> None:
    code = "x = Page()\nfree(x)\ny = Page()\ng.p = y"
    assert states(run(code)) == states(run(code.replace("free(x)", "g.last = x\nfree(x)")))
