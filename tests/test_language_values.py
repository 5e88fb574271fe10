"""Values: ranges, enumerations, sets, lists, arrays, and functions in fields."""

from __future__ import annotations

import pytest

from tests.language import finals, program, refusal, states, verdict

SMALL = "Annotated[int, range(-1, 3)]"
FIELDS = f"n: {SMALL}\nm: int\na: Annotated[ArrayOf[{SMALL}], 2]\nt: SetOf[{SMALL}]"


@pytest.mark.parametrize(
    "code",
    [
        "g.n = {v}",
        "with atomic():\n    g.n = {v}",
        "WRITE_ONCE(g.n, {v})",
        "x = xchg(g.n, {v})",
        "x = cmpxchg(g.n, 0, {v})",
        "x = fetch_add(g.n, {v})",
        "x = add_return(g.n, {v})",
        "g.n += {v}",
        "g.n -= -({v})",
        "g.m = {v}\ng.n = g.m",
        "g.n = choose(0, {v})",
        "g.n = {v} if g.m == 0 else 0",
        "g.n = max({v}, -2) if {v} > 0 else min({v}, 3)",
        "x = {v}\ng.n = x",
        "x: SMALL = {v}",
        "x: SMALL = 0\nx += {v}",
        "g.a[1] = {v}",
        "g.a[1] += {v}",
        "with atomic():\n    g.a[g.m] = {v}",
        "x = xchg(g.a[0], {v})",
        "g.t.add({v})",
        "x = g.t.copy()\nx.add({v})",
        "put({v})",
        "x = get({v})",
        "g.m = get({v})",
        "x = early({v})",
        "start(given, {v})",
        "x = Small(k={v})\ng.small = x",
    ],
)
@pytest.mark.parametrize(("value", "inside"), [(2, True), (-1, True), (3, False), (-2, False)])
def test_an_integer_that_leaves_its_range_is_a_violation(
    code: str, value: int, inside: bool
) -> None:
    more = f"""
SMALL = {SMALL}

class Small(Object, limit=1):
    k: SMALL

def put(v: SMALL) -> None:
    g.m = v

def get(v: int) -> SMALL:
    return v

def early(v: int) -> SMALL:
    if v == 7:
        return 0
    return v
"""
    if "given" in code:
        more += "\n@process(limit=1)\ndef given(v: SMALL) -> None:\n    g.m = v\n"
    fields, body = FIELDS + "\nsmall: Ref['Small']", "pause()\n" + code.format(v=value)
    text = program(fields, body, more=more)
    assert verdict(text) == ("holds" if inside else "range")


@pytest.mark.parametrize(
    ("index", "expected"), [(-1, "range"), (0, "holds"), (1, "holds"), (2, "range")]
)
def test_an_index_outside_of_an_array_is_a_violation(index: int, expected: str) -> None:
    assert verdict(program(FIELDS, f"g.m = {index}\nx = g.m\ny = g.a[x]")) == expected
    assert verdict(program(FIELDS, f"x = {index}\ng.a[x] = 1")) == expected


def test_a_local_without_a_type_has_sixteen_bits() -> None:
    code = "x = 1\nwhile g.m == 0:\n    x = x + x"
    assert verdict(program("m: int", code)) == "range"


def test_a_range_that_does_not_contain_zero_begins_at_its_end_next_to_it() -> None:
    code = "assert g.n == 2 and g.m == -3"
    fields = "n: Annotated[int, range(2, 5)]\nm: Annotated[int, range(-5, -2)]"
    assert verdict(program(fields, code)) == "holds"


@pytest.mark.parametrize(
    "claim",
    [
        "7 // 2 == 3",
        "-7 // 2 == -4",  # as Python rounds
        "-7 % 3 == 2",
        "2 + 3 * 4 - 1 == 13",
        "0 <= x < 5 <= 5",
        "not 1 == 2 and (1 == 2 or 2 == 2)",
        "min(x, 2) == 2 and max(x, 2) == 4",
        "-x == -4",
        "bool(x)",
        "(1 if x > 3 else 2) == 1",
        "x != 3 and x is not None",
    ],
)
def test_arithmetic_is_pythons(claim: str) -> None:
    claim = claim.replace(" and x is not None", "")
    assert verdict(program("m: int", f"g.m = 4\nx = g.m\nassert {claim}")) == "holds"
    assert verdict(program("m: int", f"g.m = 4\nx = g.m\nassert not ({claim})")) == "assertion"


COLOUR = "class Colour(Enum):\n    RED = auto()\n    BLUE = auto()\n    GREEN = auto()\n\n"


def test_an_enumeration_begins_with_its_first_member() -> None:
    code = "assert g.c == Colour.RED and g.c != Colour.BLUE\ng.c = Colour.GREEN"
    assert verdict(program("c: 'Colour'", code, more=COLOUR)) == "holds"
    assert finals(program("c: 'Colour'", code, more=COLOUR), "c") == {2}


def test_members_of_different_enumerations_are_not_compared() -> None:
    more = COLOUR + COLOUR.replace("Colour", "Other")
    assert refusal(program("c: 'Colour'", "assert g.c == Other.RED", more=more)) == "K049"
    assert refusal(program("c: 'Colour'", "assert g.c == 0", more=more)) == "K049"


# --- sets ---------------------------------------------------------------------------------------

NODES = "class Node(Object, limit=3):\n    n: int\n\n"
SETS = 's: SetOf["Node"]\nt: SetOf["Node"]\na: Ref["Node"]\nb: Ref["Node"]\nn: int'
TWO = "a = Node()\nb = Node()\ng.a = a\ng.b = b\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("g.s.add(a)\ng.s.add(a)\nassert len(g.s) == 1", "holds"),
        ("g.s.remove(a)", "list-corruption"),
        ("g.s.add(a)\ng.s.remove(a)\ng.s.remove(a)", "list-corruption"),
        ("g.s.discard(a)", "holds"),
        ("g.s.add(None)", "list-corruption"),
        ("free(a)\ng.s.add(a)\ng.a = None", "use-after-free"),
        ("g.s.add(a)\nfree(a)\ng.s.remove(a)\ng.a = None", "use-after-free"),
        ("g.s.add(a)\nfree(a)\ng.s.discard(a)\ng.a = None", "use-after-free"),
        ("free(a)\nx = g.s.copy()\nx.add(a)\nassert a in x\ng.a = None", "holds"),
        ("g.s.add(a)\ng.t.update(g.s)\nassert g.s == g.t and a in g.t", "holds"),
        ("g.s.add(a)\ng.t.add(b)\nx = g.s | g.t\nassert len(x) == 2 and a in x", "holds"),
        ("g.s.add(a)\ng.t.add(b)\nassert not (g.s & g.t)", "holds"),
        (
            "g.s.add(a)\ng.s.add(b)\ng.t.add(b)\nx = g.s - g.t\nassert a in x and b not in x",
            "holds",
        ),
        ("g.s.add(a)\ng.t.add(a)\ng.t.add(b)\nassert g.s <= g.t and not g.t <= g.s", "holds"),
        ("g.s.add(a)\nx = g.s.copy()\ng.s.clear()\nassert a in x and not g.s", "holds"),
        ("x: SetOf[Node] = SetOf()\nx.add(a)\nassert len(x) == 1 and not g.s", "holds"),
    ],
)
def test_a_set_is_a_set(code: str, expected: str) -> None:
    assert verdict(program(SETS, TWO + code, more=NODES)) == expected


@pytest.mark.parametrize(
    "claim",
    [
        "a in x",
        "len(x) == 1",
        "x <= g.s",
        "x == g.s",
        "not x != g.s",
        "g.s <= x",
        "not (g.s - x)",
        "len(g.s | x) == 1",
        "g.s & x",
    ],
)
def test_an_address_is_one_member_whether_it_dangles_or_not(claim: str) -> None:
    # the slot is used again: g.s keeps the old pointer, x has the new one
    code = (
        "a = Node()\ng.s.add(a)\nfree(a)\nb = Node()\nx: SetOf[Node] = SetOf()\nx.add(b)\ng.b = b\n"
    )
    one = NODES.replace("limit=3", "limit=1")
    assert verdict(program(SETS, code + f"with atomic():\n    assert {claim}", more=one)) == "holds"


# --- lists --------------------------------------------------------------------------------------

LISTS = 'l: ListOf["Node"]\nk: ListOf["Node"]\na: Ref["Node"]\nb: Ref["Node"]\nn: int'


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("g.l.append(a)\ng.l.append(b)\nx = g.l.first()\nassert x == a", "holds"),
        ("g.l.push(a)\ng.l.push(b)\nx = g.l.first()\nassert x == b", "holds"),
        ("g.l.append(a)\ng.l.append(b)\nx = g.l.after(a)\nassert x == b", "holds"),
        ("g.l.append(a)\nx = g.l.after(a)\nassert x is None", "holds"),
        ("x = g.l.first()\nassert x is None", "holds"),
        ("x = g.l.pop()\nassert x is None", "holds"),
        ("g.l.append(a)\ng.l.append(b)\nx = g.l.pop()\nassert x == a and len(g.l) == 1", "holds"),
        ("g.l.append(a)\ng.k.append(b)\ng.l.splice(g.k)\nx = g.l.after(a)\nassert x == b", "holds"),
        ("g.l.append(a)\ng.k.append(b)\ng.l.splice(g.k)\nassert not g.k", "holds"),
        ("g.l.append(a)\ng.l.clear()\nassert a not in g.l", "holds"),
        ("g.l.append(a)\ng.l.append(a)", "list-corruption"),
        ("g.l.append(a)\ng.l.push(a)", "list-corruption"),
        ("g.l.remove(a)", "list-corruption"),
        ("x = g.l.after(a)", "list-corruption"),
        ("g.l.append(a)\ng.k.append(a)\ng.l.splice(g.k)", "list-corruption"),
        ("g.l.append(None)", "list-corruption"),
        ("g.l.append(a)\nfree(a)\ng.l.remove(a)\ng.a = None", "use-after-free"),
        ("g.l.append(a)\ng.l.append(b)\nfree(a)\ng.a = None\ng.l.remove(b)", "use-after-free"),
        ("g.l.push(b)\ng.l.push(a)\nfree(a)\ng.a = None\ng.l.remove(b)", "use-after-free"),
        ("g.l.append(a)\nfree(a)\ng.a = None\ng.l.append(b)", "use-after-free"),
        ("g.l.append(a)\nfree(a)\ng.a = None\ng.l.push(b)", "use-after-free"),
        ("g.l.append(a)\nfree(a)\ng.a = None\nx = g.l.pop()", "use-after-free"),
        ("g.l.append(a)\ng.l.append(b)\nfree(b)\ng.b = None\nx = g.l.pop()", "use-after-free"),
        ("g.l.append(a)\nfree(a)\nx = g.l.after(a)\ng.a = None", "use-after-free"),
        ("g.l.append(a)\nfree(a)\ng.a = None\ng.k.append(b)\ng.l.splice(g.k)", "use-after-free"),
        ("g.k.append(b)\nfree(b)\ng.b = None\ng.l.splice(g.k)", "use-after-free"),
        ("free(a)\ng.l.append(a)\ng.a = None", "use-after-free"),
        ("g.l.append(a)\nfree(a)\nassert a in g.l and len(g.l) == 1\ng.a = None", "holds"),
        ("g.l.append(a)\nfree(a)\ng.l.clear()\ng.a = None", "holds"),
    ],
)
def test_a_list_is_ordered_and_has_no_member_twice(code: str, expected: str) -> None:
    assert verdict(program(LISTS, TWO + code, more=NODES)) == expected


def test_two_orders_of_a_list_are_two_states() -> None:
    begin = "a = Node()\nb = Node()\ng.a = a\ng.b = b"
    text = program(
        LISTS, "x = g.a\ng.l.append(x)", "x = g.b\ng.l.append(x)", more=NODES, begin=begin
    )
    # 3 x 3 positions; where both have appended, which came first
    assert states(text) == 3 * 3 + 1
