"""Steps: one access to shared memory each, and what makes several accesses one step."""

from __future__ import annotations

import pytest

from tests.language import explore, finals, program, refusal, states, told, trace, verdict

REFS = 'a: Ref["G"]\nb: Ref["G"]\nn: int\nm: int'
LOOP = "g.a = g\ng.b = g"
"""Pointers that lead back to where they stand, so that any chain of them can be followed."""

# A run of k steps by one process has k + 1 states: in front of each step, and behind the last.


@pytest.mark.parametrize(
    ("code", "steps"),
    [
        ("x = 1", 0),
        ("x = g.n", 1),
        ("g.n = 1", 1),
        ("x = g.a.n", 2),
        ("x = g.a.b.n", 3),
        ("g.a.n = 1", 2),
        ("g.n = g.m", 2),
        ("g.a.n = g.b.m", 4),
        ("g.n += 1", 2),
        ("g.n += g.m", 3),
        ("x = g.n + g.m", 2),
        ("x = g.n\ny = x + x * x", 1),
        ("g.a = g.b", 2),
        ("x = g.a is None", 1),
        ("x = g.a == g.b", 2),
        ("assert g.n == 0", 1),
        ("assert g.n == g.m", 2),
        ("g.n = 1 if g.m == 0 else 2", 2),
        ("x = READ_ONCE(g.a.n)", 2),
        ("WRITE_ONCE(g.a.n, 1)", 2),
        ("pause()", 1),
        ("x = len(processes())", 1),
        ("x = min(g.n, g.m)", 2),
        ("x = bool(g.a.n)", 2),
        ("x = is_alive(g.a.b)", 2),
        ("x = -g.a.n", 2),
        ("x = READ_ONCE(min(g.a.n, g.m))", 3),
        ("x = choose(g.n, g.m)", 2),
        ("x = begun(me())", 1),
    ],
)
def test_a_statement_takes_as_many_steps_as_it_has_accesses(code: str, steps: int) -> None:
    assert states(program(REFS, code, begin=LOOP)) == steps + 1


@pytest.mark.parametrize(
    ("code", "steps"),
    [
        ("x = len(g.s)", 1),
        ("x = len(g.a.s)", 2),
        ("x = len(g.s | g.a.s)", 3),
        ("x = g.a.s.copy()", 2),
        ("x = g.a.l.first()", 2),
        ("x = g.l.after(g.a)", 2),
        ("x = g.a.c.is_zero()", 2),
        ("x = g.a in g.s", 2),
        ("x = choose(g.s | g.a.s)", 3),
        ("x = choose(alive(G))", 1),
        ("x = choose(G)", 1),
        ("x = all(True for _ in g.s)", 1),
    ],
)
def test_so_does_a_look_at_a_set_a_list_or_a_counter(code: str, steps: int) -> None:
    fields = 'a: Ref["G"]\ns: SetOf["G"]\nl: ListOf["G"]\nc: Counter'
    begin = "g.a = g\ng.s.add(g)\ng.l.append(g)"
    assert states(program(fields, code, begin=begin)) == steps + 1


@pytest.mark.parametrize(
    "look",
    ["all(x.n == 0 for x in g.s)", "sum(x.n for x in alive(G))", "g in closure(g, G.a)"],
)
def test_what_reads_memory_any_number_of_times_is_one_step_only_where_it_says_so(look: str) -> None:
    fields = 'a: Ref["G"]\nn: int\ns: SetOf["G"]'
    assert refusal(program(fields, f"x = {look}")) == "K083"
    assert refusal(program(fields, f"if {look}:\n    pause()")) == "K083"
    assert states(program(fields, f"with atomic():\n    x = {look}")) == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("c: Counter", "g.c.add(1)"),
        ("c: Counter", "g.c.sub(-1)"),
        ("c: Counter\nd: Counter", "g.c.move_to(g.d)"),
        ("n: int", "x = xchg(g.n, 1)"),
        ("n: int", "x = cmpxchg(g.n, 0, 1)"),
        ("n: int", "x = fetch_add(g.n, 1)"),
        ("n: int", "x = add_return(g.n, 1)"),
        ("b: bool", "x = test_and_set(g.b)"),
        ("b: bool", "x = test_and_clear(g.b)"),
        ('s: SetOf["G"]', "g.s.add(g)"),
        ('s: SetOf["G"]', "g.s.discard(g)"),
        ('s: SetOf["G"]\nt: SetOf["G"]', "x = g.s.copy()"),
        ('s: SetOf["G"]', "g.s.clear()"),
        ('l: ListOf["G"]', "g.l.append(g)"),
        ('l: ListOf["G"]', "g.l.push(g)"),
        ('l: ListOf["G"]', "x = g.l.pop()"),
        ('l: ListOf["G"]\nk: ListOf["G"]', "g.l.splice(g.k)"),
        ('l: ListOf["G"]', "x = len(g.l)"),
        ('l: ListOf["G"]', "x = g in g.l"),
    ],
)
def test_a_read_modify_write_is_one_step(fields: str, code: str) -> None:
    assert states(program(fields, code)) == 2


@pytest.mark.parametrize("code", ["g.s.update(g.t)", "g.s = g.t"])
def test_an_operand_in_memory_is_loaded_first(code: str) -> None:
    assert states(program('s: SetOf["G"]\nt: SetOf["G"]', code)) == 3


@pytest.mark.parametrize(
    ("code", "steps"),
    [
        # a is false, b is true: what decides is loaded, and no more
        ("x = g.a and g.b", 1),
        ("x = g.b and g.a", 2),
        ("x = g.a or g.b", 2),
        ("x = g.b or g.a", 1),
        ("x = g.a and g.b and g.b", 1),
        ("x = g.b and g.a and g.b", 2),
        ("if g.a and g.b:\n    pause()", 1),
        ("if g.a or g.b:\n    pause()", 3),
        ("if not (g.a and g.b):\n    pause()", 2),
        ("while g.a or g.a:\n    pause()", 2),
        ("x = 1 if g.a and g.b else 2", 1),
        ("assert g.b or g.a", 1),
    ],
)
def test_and_and_or_load_no_more_than_they_need(code: str, steps: int) -> None:
    assert states(program("a: bool\nb: bool", code, begin="g.b = True")) == steps + 1


def test_a_null_pointer_that_and_guards_is_not_followed() -> None:
    assert verdict(program(REFS, "if g.a is not None and g.a.n == 0:\n    pause()")) == "holds"
    assert verdict(program(REFS, "if g.a.n == 0 and g.a is not None:\n    pause()")) == "null-deref"


def test_another_process_may_come_between_the_loads_of_a_condition() -> None:
    looks = "if g.n == 0 and g.m == 0:\n    assert g.n == 0"
    assert verdict(program("n: int\nm: int", looks, "g.n = 1")) == "assertion"


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (4, 2)])
def test_independent_steps_interleave_freely(first: int, second: int) -> None:
    # two counters of positions that nothing ties together: (n + 1)(m + 1)
    text = program(
        "n: int\nm: int", "\n".join(["g.n = 0"] * first), "\n".join(["g.m = 0"] * second)
    )
    result = explore(text)
    assert told(result) == "holds"
    assert result.label.statistics.states == (first + 1) * (second + 1)
    assert result.label.statistics.depth == first + second
    # each of the n steps of one can be made at each of the m + 1 positions of the other
    assert result.label.statistics.transitions == first * (second + 1) + second * (first + 1)
    assert result.label.statistics.terminal_states == 1


def test_three_processes_of_two_steps_have_27_states() -> None:
    assert (
        states(program("a: int\nb: int\nc: int", *[f"g.{f} = 0\ng.{f} = 0" for f in "abc"])) == 27
    )


def test_a_value_that_is_kept_tells_states_apart() -> None:
    # the reader is before its load, or has loaded 0 or 1, or has ended; the writer has written or
    # not. Before: 2. Loaded 0: 2. Loaded 1, which has been written: 1. Ended: 2. Together 7.
    text = program("n: int\nm: int", "x = g.n\ng.m = 0\nassert x <= 1", "g.n = 1")
    assert states(text) == 7


def test_a_value_that_nobody_will_read_tells_nothing_apart() -> None:
    # a temporary is forgotten when it has been used: 3 positions of the reader, 2 of the writer
    assert states(program("n: int\nm: int", "assert g.n <= 1\ng.m = 0", "g.n = 1")) == 6


def test_the_locals_of_a_function_are_forgotten_when_it_returns() -> None:
    more = "def look() -> None:\n    x = g.n\n    assert x <= 1\n"
    # before, behind the call, ended: 3 x 2, as if nothing had been loaded
    assert states(program("n: int\nm: int", "look()\ng.m = 0", "g.n = 1", more=more)) == 6


def test_an_increment_of_a_plain_int_loses_an_update() -> None:
    text = program("n: int", "g.n += 1", "g.n += 1")
    assert finals(text, "n") == {1, 2}


def test_a_lost_update_is_found_by_a_property_after_four_steps() -> None:
    law = "@finally_\ndef both() -> bool:\n    return g.n == 2\n"
    found = trace(program("n: int", "g.n += 1", "g.n += 1") + law)
    assert (found.violation.kind, len(found.events)) == ("both", 4)


@pytest.mark.parametrize(
    ("fields", "code", "ends"),
    [
        ("n: int", "fetch_add(g.n, 1)", {2}),
        ("n: int", "add_return(g.n, 1)", {2}),
        ("n: int", "with atomic():\n    g.n += 1", {2}),
        (
            "n: int",
            "while True:\n    x = g.n\n    if cmpxchg(g.n, x, x + 1) == x:\n        break",
            {2},
        ),
    ],
)
def test_a_read_modify_write_loses_none(fields: str, code: str, ends: set[int]) -> None:
    assert finals(program(fields, code, code), "n") == ends


def test_a_function_is_inlined_with_its_steps() -> None:
    more = "def get(o: G) -> int:\n    return o.n\n\ndef put(o: G, v: int) -> None:\n    o.n = v\n"
    assert states(program("n: int", "put(g, get(g))", more=more)) == states(
        program("n: int", "g.n = g.n")
    )
    assert finals(
        program("n: int", "put(g, get(g) + 1)", "put(g, get(g) + 1)", more=more), "n"
    ) == {1, 2}


def test_arguments_are_loaded_before_the_call_and_once() -> None:
    more = "def twice(v: int) -> None:\n    assert v == v\n    g.m = v - v\n"
    assert states(program("n: int\nm: int", "twice(g.n)", more=more)) == 3
    assert finals(program("n: int\nm: int", "twice(g.n)", "g.n = 1", more=more), "m") == {0}


def test_a_macro_loads_its_argument_where_it_uses_it() -> None:
    more = "@macro\ndef twice(v: int) -> None:\n    g.m = v - v\n"
    assert finals(program("n: int\nm: int", "twice(g.n)", "g.n = 1", more=more), "m") == {0, -1}
    more = "@macro\ndef bump(v: int) -> None:\n    WRITE_ONCE(v, 5)\n"
    assert finals(program("n: int", "bump(g.n)", more=more), "n") == {5}
