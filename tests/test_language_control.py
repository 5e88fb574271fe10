"""Loops, atomic blocks, waiting, choosing, actions."""

from __future__ import annotations

from math import factorial

import pytest

from tests.language import explore, finals, program, refusal, states, told, trace, verdict

NUMBER = "Annotated[int, range(64)]"
NODE = "class Node(Object, limit=4):\n    k: Annotated[int, range(8)]\n\n"
FIELDS = f"n: {NUMBER}\nm: {NUMBER}\ngo: bool\ns: SetOf['Node']\nl: ListOf['Node']\na: Ref['Node']"


def run(*bodies: str, more: str = "", begin: str = "") -> str:
    return program(FIELDS, *bodies, more=NODE + more, begin=begin)


def nodes(count: int, where: str = "g.s.add") -> str:
    return "\n".join(f"{where}(Node(k={k}))" for k in range(1, count + 1))


# --- for over a set -----------------------------------------------------------------------------

DIGITS = "for x in g.s:\n    with atomic():\n        g.n = g.n * 4 + x.k"


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_loop_over_a_shared_set_takes_its_members_in_every_order(count: int) -> None:
    found = finals(run(DIGITS, begin=nodes(count)), "n")
    assert len(found) == factorial(count)
    assert all(sorted(f"{n:o}") or n for n in found)
    assert count != 2 or found == {1 * 4 + 2, 2 * 4 + 1}


def test_a_loop_inside_atomic_takes_them_in_every_order_too() -> None:
    once = "with atomic():\n    for x in g.s:\n        g.n = g.n * 4 + x.k"
    assert finals(run(once, begin=nodes(3)), "n") == finals(run(DIGITS, begin=nodes(3)), "n")
    assert states(run(once, begin=nodes(3))) == 1 + 6


def test_a_loop_over_a_shared_set_sees_what_is_added_meanwhile() -> None:
    add = "x = g.a\ng.s.add(x)"
    begin = nodes(1) + "\ng.a = Node(k=2)"
    # the new one comes in time to be last, or to be first, or too late
    assert finals(run(DIGITS, add, begin=begin), "n") == {1, 4 + 2, 2 * 4 + 1}


def test_a_loop_over_a_shared_set_does_not_see_what_was_removed() -> None:
    remove = "x = g.a\ng.s.discard(x)"
    begin = nodes(1) + "\na = Node(k=2)\ng.s.add(a)\ng.a = a"
    assert finals(run(DIGITS, remove, begin=begin), "n") == {1, 4 + 2, 2 * 4 + 1}


def test_a_loop_over_a_shared_set_visits_no_member_twice() -> None:
    again = "x = g.a\ng.s.discard(x)\ng.s.add(x)"
    begin = "a = Node(k=1)\ng.s.add(a)\ng.a = a"
    assert finals(run(DIGITS, again, begin=begin), "n") == {0, 1}


def test_a_loop_over_a_shared_set_takes_a_new_object_for_another_one() -> None:
    # the member that was visited is freed, and its slot is used again while the loop goes on
    other = "x = g.a\nwith atomic():\n    wait_until(g.n == 1)\n    g.s.remove(x)\n    free(x)\n"
    other += "y = Node(k=2)\ng.s.add(y)"
    more = NODE.replace("limit=4", "limit=1")
    begin = "a = Node(k=1)\ng.s.add(a)\ng.a = a"
    assert finals(program(FIELDS, DIGITS, other, more=more, begin=begin), "n") == {1, 4 + 2}


def test_each_turn_of_a_loop_over_a_shared_set_is_a_step() -> None:
    # n members: n turns, and the look that finds no more; which are seen tells states apart: 2^n,
    # and in each but the empty one which is the current one; then the end
    for n in range(4):
        subsets = sum(max(1, size) * _choose(n, size) for size in range(n + 1))
        assert states(run("for x in g.s:\n    pass", begin=nodes(n))) == subsets + 1


def _choose(n: int, k: int) -> int:
    return factorial(n) // factorial(k) // factorial(n - k)


def test_a_loop_over_a_copy_is_over_what_was_there() -> None:
    copy = "x = g.s.copy()\nfor y in x:\n    with atomic():\n        g.n = g.n * 4 + y.k"
    add = "x = g.a\ng.s.add(x)"
    begin = nodes(1) + "\ng.a = Node(k=2)"
    assert finals(run(copy, add, begin=begin), "n") == {1, 4 + 2, 2 * 4 + 1}
    late = copy.replace("for y", "g.go = True\nfor y")
    waiting = "wait_until(g.go)\n" + add
    assert finals(run(late, waiting, begin=begin), "n") == {1}


def test_each_is_one_step_whatever_the_number() -> None:
    parallel = "with atomic():\n    for x in each(g.s):\n        x.k = 0"
    assert states(run(parallel, begin=nodes(3))) == 2
    ordered = "with atomic():\n    for x in each(g.s):\n        g.n = x.k"
    assert refusal(run(ordered)) == "K075"
    assert refusal(run("for x in each(g.s):\n    x.k = 0")) == "K074"


# --- for over lists, arrays, ranges -------------------------------------------------------------


def test_a_walk_of_a_list_goes_by_its_order() -> None:
    walk = "for x in g.l:\n    with atomic():\n        g.n = g.n * 4 + x.k"
    assert finals(run(walk, begin=nodes(3, "g.l.append")), "n") == {1 * 16 + 2 * 4 + 3}
    assert finals(run(walk, begin=nodes(3, "g.l.push")), "n") == {3 * 16 + 2 * 4 + 1}
    # the head, then what is behind each of the three
    hops = "for x in g.l:\n    pass"
    assert states(run(hops, begin=nodes(3, "g.l.append"))) == 1 + 3 + 1


def test_a_walk_goes_on_to_what_is_behind_now() -> None:
    walk = "for x in g.l:\n    with atomic():\n        g.n = g.n * 4 + x.k"
    late = "x = g.a\ng.l.append(x)"
    begin = nodes(1, "g.l.append") + "\ng.a = Node(k=2)"
    assert finals(run(walk, late, begin=begin), "n") == {1, 4 + 2}
    first = late.replace("append", "push")
    assert finals(run(walk, first, begin=begin), "n") == {1, 2 * 4 + 1}


def test_a_walk_whose_place_is_unlinked_is_lost() -> None:
    walk = "for x in g.l:\n    pause()"
    unlink = "x = g.a\ng.l.remove(x)"
    begin = "a = Node()\ng.a = a\ng.l.append(a)"
    assert verdict(run(walk, unlink, begin=begin)) == "list-corruption"
    assert verdict(run("for x in g.l:\n    g.l.remove(x)", begin=begin)) == "list-corruption"
    assert verdict(run("for x in g.l:\n    g.l.remove(x)\n    break", begin=begin)) == "holds"


def test_an_array_is_loaded_element_by_element() -> None:
    fields = f"a: Annotated[ArrayOf[{NUMBER}], 3]\nn: {NUMBER}"
    assert states(program(fields, "for x in g.a:\n    pass")) == 4
    total = "for x in g.a:\n    with atomic():\n        g.n += x"
    late = "g.a[2] = 5"
    assert finals(program(fields, total, late), "n") == {0, 5}


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("for x in range(3):\n    g.n = g.n * 4 + x", 0 * 16 + 1 * 4 + 2),
        ("for x in range(1, 3):\n    g.n = g.n * 4 + x", 1 * 4 + 2),
        ("for x in range(3, 0, -1):\n    g.n = g.n * 4 + x", 3 * 16 + 2 * 4 + 1),
        ("for x in range(0, 4, 2):\n    g.n = g.n * 4 + x", 2),
        ("for x in range(3, 3):\n    g.n = 9", 0),
        ("for x in range(3):\n    if x == 1:\n        continue\n    g.n = g.n * 4 + x", 2),
        ("for x in range(3):\n    if x == 1:\n        break\n    g.n = g.n * 4 + x + 1", 1),
        ("x = 3\nwhile x > 0:\n    g.n = g.n * 4 + x\n    x -= 1", 3 * 16 + 2 * 4 + 1),
        ("while True:\n    g.n += 1\n    if g.n == 3:\n        break", 3),
        ("while g.n < 3:\n    g.n += 1\n    if g.n == 2:\n        return\n    continue", 2),
        ("if g.n == 1:\n    g.n = 2\nelif g.n == 0:\n    g.n = 3\nelse:\n    g.n = 4", 3),
    ],
)
def test_loops_and_branches_are_pythons(loop: str, expected: int) -> None:
    assert finals(run(loop), "n") == {expected}


def test_a_loop_that_does_nothing_is_no_endless_step() -> None:
    text = run("while True:\n    pass")
    assert told(explore(text)) == "holds"
    assert verdict(run("with atomic():\n    while True:\n        pass")) == "endless-step"
    assert verdict(run("while True:\n    x = 1")) == "holds"


# --- atomic -------------------------------------------------------------------------------------


def test_an_atomic_block_is_one_step() -> None:
    block = "with atomic():\n    g.n = 1\n    g.m = 2\n    with atomic():\n        g.n = 3"
    assert states(run(block)) == 2
    assert finals(run("with atomic():\n    g.n += 1", "with atomic():\n    g.n += 1"), "n") == {2}


def test_nobody_comes_into_an_atomic_block() -> None:
    both = "with atomic():\n    g.n = 1\n    g.n = 0"
    assert verdict(run(both, "assert g.n == 0")) == "holds"
    assert verdict(run("g.n = 1\ng.n = 0", "assert g.n == 0")) == "assertion"


def test_a_function_called_inside_atomic_is_inside() -> None:
    more = "def bump() -> None:\n    g.n += 1\n    g.m += 1\n"
    assert states(run("with atomic():\n    bump()\n    bump()", more=more)) == 2


def test_a_violation_in_the_middle_of_an_atomic_block_is_found() -> None:
    assert (
        verdict(run("with atomic():\n    g.n = 1\n    assert g.n == 0\n    g.n = 0")) == "assertion"
    )


# --- waiting ------------------------------------------------------------------------------------


def test_waiting_is_one_step_which_is_not_there_until_the_condition_holds() -> None:
    assert states(run("wait_until(True)")) == 2
    # 3 positions of the waiter, 2 of the other; but the waiter is behind its wait only after it
    assert states(run("wait_until(g.go)\ng.m = 1", "g.go = True")) == 2 + 2
    assert verdict(run("wait_until(g.go)")) == "deadlock"


def test_a_condition_that_is_waited_for_is_looked_at_in_one_go() -> None:
    waits = "wait_until(g.n == 1 and g.m == 1)\ng.go = True"
    # n and m are never 1 at once: 1, 0 then 0, 1
    other = "g.n = 1\nwith atomic():\n    g.n = 0\n    g.m = 1"
    assert verdict(run(waits, other)) == "deadlock"
    assert verdict(run(waits, "g.n = 1\ng.m = 1")) == "holds"


def test_an_atomic_block_that_waits_is_there_when_its_condition_holds() -> None:
    block = "with atomic():\n    wait_until(g.n == 0)\n    g.n = 1\n    g.m += 1"
    assert states(run(block + "\ng.n = 0", block + "\ng.n = 0")) == 3 * 3 - 1
    middle = "with atomic():\n    g.m = 5\n    wait_until(g.n == 1)"
    assert finals(run(middle, "g.n = 1"), "m") == {5}
    assert verdict(run(middle)) == "deadlock"


# --- choosing -----------------------------------------------------------------------------------


def test_choose_has_one_successor_for_each_option() -> None:
    assert finals(run("g.n = choose(3, 1, 4, 1)"), "n") == {1, 3, 4}
    assert finals(run("x = choose(g.n, g.m)\ng.n = x + 1", begin="g.m = 5"), "n") == {1, 6}
    assert finals(run("x = choose(g.s)\ng.n = x.k", begin=nodes(3)), "n") == {1, 2, 3}
    assert finals(run("x = choose(Node)\ng.n = x.k", begin=nodes(2, "g.l.append")), "n") == {1, 2}
    assert finals(run("g.n = 1 if may_fail() else 2"), "n") == {1, 2}
    assert finals(run("g.go = choose(True, False)"), "go") == {0, 1}


def test_every_combination_of_choices_is_tried() -> None:
    chosen = "x = choose(1, 2)\n    if x == 2:\n        x += choose(0, 4, 8)"
    code = f"with atomic():\n    {chosen}\n    g.n = x"
    assert finals(run(code), "n") == {1, 2, 6, 10}
    assert states(run(code)) == 1 + 4


def test_there_is_no_way_on_from_a_choice_among_nothing() -> None:
    assert verdict(run("x = choose(g.s)")) == "deadlock"
    assert verdict(run("x = choose(Node)")) == "deadlock"


# --- actions ------------------------------------------------------------------------------------

SWITCH = """
@action
def press() -> None:
    wait_until(g.n < 3)
    g.n += 1
    g.m = g.n

@action
def touch(node: Node) -> None:
    wait_until(node.k < 2)
    node.k += 1
"""


def test_an_action_is_one_step_whenever_its_guards_hold() -> None:
    # n goes from 0 to 3 and m with it: 4 states; two nodes from 0 to 2, each by itself: 3 x 3
    assert states(run(more=SWITCH)) == 4
    assert states(run(more=SWITCH, begin="Node()\nNode()")) == 4 * 3 * 3


def test_an_action_is_tried_for_all_live_objects() -> None:
    more = "@action\ndef pick(node: Node) -> None:\n    wait_until(g.a is None)\n    g.a = node\n"
    assert len(finals(run(more=more, begin=nodes(3, "g.l.append")), "a")) == 3
    two = more.replace("(node: Node)", "(node: Node, other: Node)").replace(
        "g.a = node", "wait_until(node != other)\n    g.a = node\n    g.n = node.k * 8 + other.k"
    )
    pairs = {a * 8 + b for a in (1, 2, 3) for b in (1, 2, 3) if a != b}
    assert finals(run(more=two, begin=nodes(3, "g.l.append")), "n") == pairs


def test_an_action_races_with_processes() -> None:
    assert verdict(run("g.n = 0\nassert g.n == 0", more=SWITCH)) == "assertion"
    assert [e.process for e in trace(run("g.n = 0\nassert g.n == 0", more=SWITCH)).events] == [
        "CPU0",
        "press",
        "CPU0",
    ]
