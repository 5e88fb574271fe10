"""Sizes are symbols: a law is about all of them, and z3 has the last word."""

from __future__ import annotations

from itertools import product

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from kmcheck.diagnostics import SpecError
from kmcheck.driver import Options
from kmcheck.residual import Form, Residual
from kmcheck.semantics import Judge, Machine
from kmcheck.solver import Solver
from kmcheck.verdict import Result, Unknown, Violated
from tests.language import explore, finals, program, system, told, trace, verdict

FIELDS = "used: Counter\nother: Counter\np: Ref['Page']\nn: Annotated[int, range(8)]\ngo: bool"
PAGE = "class Page(Object, limit=2):\n    size: Size\n    charged: bool\n\n"
CHARGED = "g.used.add(a.size)\ng.used.add(b.size)\ng.p = a"
TWO = "a = Page(charged=True)\nb = Page(charged=True)\n" + CHARGED
LAW = """
@conserved
def law() -> bool:
    return g.used == total(page.size for page in alive(Page) if page.charged)
"""


def run(*bodies: str, begin: str = "", more: str = PAGE) -> str:
    return program(FIELDS, *bodies, more=more, begin=begin)


def law(formula: str, kind: str = "always", name: str = "claim") -> str:
    return f"@{kind}\ndef {name}() -> bool:\n    return {formula}\n"


# --- laws over all sizes --------------------------------------------------------------------------


def test_a_law_holds_for_all_sizes() -> None:
    frees = "with atomic():\n    page = g.p\n    g.used.sub(page.size)\n    page.charged = False"
    assert verdict(run(frees, begin=TWO) + LAW) == "holds"
    result = explore(run(frees, begin=TWO) + LAW)
    assert result.label.solver_queries == 0  # the forms are equal: no question is left


def test_two_errors_that_cancel_at_size_one_are_found() -> None:
    # one page is uncharged twice, the other never: right for a = b, and at size 1 in particular
    frees = """
with atomic():
    for page in each(alive(Page)):
        page.charged = False
    g.used.sub(g.p.size)
    g.used.sub(g.p.size)
"""
    found = trace(run(frees, begin=TWO) + LAW)
    assert found.violation.kind == "law"
    sizes = dict(found.violation.sizes)
    assert set(sizes) == {"a", "b"}
    assert sizes["a"] != sizes["b"]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("g.used >= 2", "holds"),
        ("g.used > 2", "claim"),
        ("g.used - 2 >= 0", "holds"),
        ("g.used == g.p.size", "claim"),
        ("g.used != g.p.size", "holds"),  # the other page has a size, too
        ("not g.used <= g.p.size", "holds"),
        ("g.p.size >= 1", "holds"),
        ("g.p.size != 7", "claim"),
        ("g.used == 2 or g.used > 2", "holds"),
        ("g.used != 3 or g.used >= 3", "holds"),
        ("g.used >= 2 and g.used != 1", "holds"),
        ("all(page.size < g.used for page in alive(Page))", "holds"),
        ("any(page.size > 1 for page in alive(Page))", "claim"),
        ("any(page.size == g.used for page in alive(Page))", "claim"),
        ("g.used == sum(page.size for page in alive(Page))", "holds"),
        ("g.used + g.p.size == total(page.size for page in alive(Page)) + g.p.size", "holds"),
        ("g.other == 0 and g.used > g.other", "holds"),
        ("g.n == 0 or g.used > 2", "claim"),
    ],
)
def test_a_comparison_in_a_property_is_for_all_sizes(formula: str, expected: str) -> None:
    assert verdict(run("g.n = 1", begin=TWO) + law(formula)) == expected


def test_below_zero_means_for_some_sizes() -> None:
    check = "with atomic():\n    g.used.sub({})\n    check(g.used >= 0, 'underflow')"
    assert verdict(run(check.format("g.p.size"), begin=TWO)) == "holds"
    twice = check.format("g.p.size") + "\n" + check.format("g.p.size")
    found = trace(run(twice, begin=TWO))
    assert (found.violation.kind, len(found.events)) == ("underflow", 2)
    sizes = dict(found.violation.sizes)
    assert sizes["b"] - sizes["a"] < 0
    assert verdict(run(check.format(2), begin=TWO)) == "holds"
    assert verdict(run(check.format(3), begin=TWO)) == "underflow"


def test_a_counter_is_moved_as_a_whole() -> None:
    moves = "g.used.move_to(g.other)"
    assert verdict(run(moves, begin=TWO) + law("g.used == 0 or g.other == 0")) == "holds"
    ends = law("g.used == 0 and g.other == sum(p.size for p in alive(Page))", "finally_")
    assert verdict(run(moves, begin=TWO) + ends) == "holds"


# --- the lives of symbols -------------------------------------------------------------------------

ONE = PAGE.replace("limit=2", "limit=1")


def test_a_symbol_outlives_its_object() -> None:
    frees = "page = g.p\ng.p = None\nfree(page)"
    begin = "a = Page(charged=True)\ng.used.add(a.size)\ng.p = a"
    found = trace(run(frees, begin=begin) + law("g.used == sum(p.size for p in alive(Page))"))
    assert (found.violation.kind, len(found.events)) == ("claim", 3)
    assert [name for name, _ in found.violation.sizes] == ["a"]


def test_a_slot_that_is_used_again_has_a_size_of_its_own() -> None:
    again = "page = g.p\nfree(page)\ng.p = Page()\ng.other.add(g.p.size)"
    begin = "a = Page(charged=True)\ng.used.add(a.size)\ng.p = a"
    text = run(again, begin=begin, more=ONE)
    assert verdict(text + law("g.used == g.other", "finally_")) == "claim"
    assert verdict(text + law("g.used >= 1 and g.other >= 1", "finally_")) == "holds"
    uncharged = again.replace("free(page)", "g.used.sub(page.size)\nfree(page)")
    assert (
        verdict(run(uncharged, begin=begin, more=ONE) + law("g.used == 0", "finally_")) == "holds"
    )


def test_a_size_that_nothing_mentions_any_more_is_used_again() -> None:
    cycle = "while True:\n    page = Page()\n    g.used.add(page.size)\n    g.used.sub(page.size)\n"
    result = explore(run(cycle + "    free(page)", more=ONE))
    assert told(result) == "holds"
    # six steps go round; the first time, the local does not dangle yet; and nothing grows
    assert result.label.statistics.states == 6 + 1


def test_what_is_global_or_embedded_has_a_size_too() -> None:
    fields, charge = FIELDS + "\nsize: Size", "g.used.add(g.size)"
    for claim, expected in (("g.used >= 1", "holds"), ("g.used >= 2", "claim")):
        text = program(fields, charge, more=PAGE) + law(claim, "finally_")
        assert verdict(text) == expected
    more = "class Part(Object):\n    size: Size\n\n" + ONE.replace("size: Size", "part: Part")
    cycle = "while True:\n    page = Page()\n    g.used.add(page.part.size)\n    free(page)\n"
    assert verdict(run(cycle.replace("while True", "for _ in range(2)"), more=more)) == "holds"
    once = trace(program(fields, charge, more=PAGE) + law("g.used != 3", "finally_"))
    assert once.violation.sizes == (("g", 3),)


def test_more_sizes_than_there_is_room_for_are_unknown() -> None:
    leaks = "while True:\n    page = Page()\n    g.used.add(page.size)\n    free(page)"
    assert verdict(run(leaks, more=ONE)).startswith("unknown: bound reached: the sizes of Page")


def test_a_size_in_a_local_keeps_its_symbol() -> None:
    keeps = "page = g.p\nn = page.size\nfree(page)\ng.p = Page()\ng.used.sub(n)"
    begin = "a = Page(charged=True)\ng.used.add(a.size)\ng.p = a"
    text = run(keeps, begin=begin, more=ONE)
    assert verdict(text + law("g.used == 0", "finally_")) == "holds"


# --- what the solver is asked ---------------------------------------------------------------------


def test_each_distinct_question_is_asked_once() -> None:
    # in each of four states: a + b >= 1, up to the last step, and b >= 1 behind it; the other
    # process makes four times as many states, and no more questions
    text = run("g.used.sub(g.p.size)", begin=TWO) + law("g.used >= 1")
    more = run("g.used.sub(g.p.size)", "g.n = 1\ng.n = 2\ng.n = 3", begin=TWO) + law("g.used >= 1")
    few, many = explore(text).label, explore(more).label
    assert (few.solver_queries, few.solver_stood_for) == (2, 4)
    assert (many.solver_queries, many.solver_stood_for) == (2, 4 * 4)


def test_where_no_size_is_left_nothing_is_asked() -> None:
    label = explore(run("g.n = 1", begin=TWO) + law("g.other == 0 and g.n <= 1")).label
    assert (label.solver_queries, label.solver_stood_for) == (0, 0)


def test_is_zero_is_told_only_where_the_sizes_do_not_matter() -> None:
    look = "g.n = 1 if g.used.is_zero() else 2"
    assert finals(run(look, begin=TWO), "n") == {2}
    assert finals(run(look, begin=TWO.replace("g.used.add(", "g.other.add(")), "n") == {1}
    mixed = TWO.replace("g.used.add(b.size)", "g.used.sub(b.size)")
    assert verdict(run(look, begin=mixed)).startswith("unknown: a comparison depends on the sizes")
    claim = law("not g.used.is_zero()", "finally_")
    assert verdict(run("g.n = 1", begin=mixed) + claim).startswith("unknown: ")


def test_what_the_solver_does_not_know_never_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("g.used.sub(g.p.size)", begin=TWO) + law("g.used >= 1")
    assert verdict(text) == "holds"
    monkeypatch.setattr(z3.Solver, "check", lambda self: z3.unknown)
    result = explore(text)
    assert result.outcome == "unknown"
    assert all(isinstance(v, Unknown) for v in result.verdicts)


def test_a_check_that_the_solver_does_not_know_never_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = run("with atomic():\n    g.used.sub(1)\n    check(g.used >= 1, 'kind')", begin=TWO)
    setup = run("g.n = 1", begin=TWO + "\ncheck(g.used >= 2, 'kind')")
    assert (verdict(text), verdict(setup)) == ("holds", "holds")
    monkeypatch.setattr(z3.Solver, "check", lambda self: z3.unknown)
    assert explore(text).outcome == "unknown"
    with pytest.raises(SpecError, match="K094"):
        explore(setup)


# --- the solver itself, against plain arithmetic --------------------------------------------------


def value(residual: object, sizes: tuple[int, ...]) -> bool:
    """Evaluate a residual for given sizes."""
    match residual:
        case bool():
            return residual
        case ("and", *parts):
            return all(value(p, sizes) for p in parts)
        case ("or", *parts):
            return any(value(p, sizes) for p in parts)
        case (str() as operator, tuple() as form):
            constant, *coefficients = (c for c in form if isinstance(c, int))
            number = constant + sum(c * s for c, s in zip(coefficients, sizes, strict=True))
            table = {"eq": number == 0, "ne": number != 0, "le": number <= 0, "lt": number < 0}
            return table[operator]
    raise AssertionError(residual)


forms: st.SearchStrategy[Form] = st.tuples(*[st.integers(-3, 3)] * 3)
atoms = st.tuples(st.sampled_from(["eq", "ne", "le", "lt"]), forms)
residuals: st.SearchStrategy[Residual] = st.recursive(
    atoms,
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(residuals)
def test_the_solver_agrees_with_plain_arithmetic(residual: Residual) -> None:
    solver = Solver()
    wrong = [s for s in product(range(1, 7), repeat=2) if not value(residual, s)]
    holds = solver.holds(residual)
    assert holds == solver.holds(residual)
    assert solver.queries <= 1
    if holds:
        assert not wrong
        return
    model = solver.counterexample(residual)
    assert min(model.values(), default=1) >= 1
    assert not value(residual, (model.get(1, 1), model.get(2, 1)))


VIOLATED = [
    run("g.used.sub(g.p.size)\ng.used.sub(g.p.size)", begin=TWO) + law("g.used >= 0"),
    run("g.used.add(2)\ng.other.add(g.p.size)", begin=TWO) + law("g.used != g.other + 5"),
    run("g.used.move_to(g.other)", begin=TWO) + law("g.other <= 9 or g.used > 0"),
]


@pytest.mark.parametrize("text", VIOLATED)
def test_the_sizes_of_a_violation_break_the_law(text: str) -> None:
    found: Result = explore(text, Options())
    told_trace = next(v.trace for v in found.verdicts if isinstance(v, Violated))
    whole, solver = system(text)
    machine, judge = Machine(whole.layout, solver.holds), Judge(whole.layout, solver.holds)
    initial, steps = told_trace.witness
    state = whole.initial[initial][1]
    for actor, choices in steps:
        state = machine.take(state, actor, choices)
    failure = judge.test(whole.program.properties[0], state, None)
    assert failure is not None
    # symbols are numbered as setup allocates, and a violation names them in that order
    sizes = dict(told_trace.violation.sizes)
    given_sizes = tuple(sizes.get(name, 1) for name in ("a", "b"))
    padding = (1,) * (whole.layout.symbols - 2)
    assert not value(failure.residual, given_sizes + padding)
