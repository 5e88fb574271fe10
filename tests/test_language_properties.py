"""Properties: when each kind is judged, and what its words mean."""

from __future__ import annotations

import pytest

from kmcheck.driver import Options
from kmcheck.verdict import Holds, Unknown, Violated
from tests.language import explore, program, states, told, trace, verdict

NUMBER = "Annotated[int, range(16)]"
FIELDS = f"""
n: {NUMBER}
m: {NUMBER}
go: bool
p: Ref['Page']
who: Process
s: SetOf['Page']
l: ListOf['Page']
a: Annotated[ArrayOf[{NUMBER}], 3]
numbers: SetOf[{NUMBER}]
c: 'Colour'
"""
MORE = f"""
class Colour(Enum):
    RED = auto()
    BLUE = auto()

class Part(Object):
    k: {NUMBER}

class Page(Object, limit=3):
    k: {NUMBER}
    up: Ref['Page']
    part: Part

def section() -> None:
    pause()
"""


def run(*bodies: str, begin: str = "") -> str:
    return program(FIELDS, *bodies, more=MORE, begin=begin)


def law(kind: str, formula: str, parameters: str = "", name: str = "law") -> str:
    return f"@{kind}\ndef {name}({parameters}) -> bool:\n    return {formula}\n"


# --- when -----------------------------------------------------------------------------------------

UP_AND_DOWN = "g.n = 1\ng.n = 0"


def test_always_is_every_state_the_first_one_too() -> None:
    assert verdict(run(UP_AND_DOWN) + law("always", "g.n == 0")) == "law"
    assert verdict(run(UP_AND_DOWN) + law("always", "g.n <= 1")) == "holds"
    found = trace(run(UP_AND_DOWN) + law("always", "g.n == 1"))
    assert found.events == ()


def test_finally_is_every_state_in_which_all_have_ended() -> None:
    assert verdict(run(UP_AND_DOWN) + law("finally_", "g.n == 0")) == "holds"
    assert verdict(run("g.n = 1", "g.n = 2") + law("finally_", "g.n == 2")) == "law"
    found = trace(run("g.n = 1\ng.m = 1", "g.n = 2") + law("finally_", "g.n == 2"))
    assert len(found.events) == 3


def test_finally_does_not_wait_for_daemons() -> None:
    daemon = "@process(daemon=True)\ndef forever() -> None:\n    while True:\n        g.m = 1\n"
    text = run("g.n = 1", begin="start(forever)").replace("@setup", daemon + "\n@setup")
    assert verdict(text + law("finally_", "g.n == 1")) == "holds"
    assert verdict(text + law("finally_", "g.m == 1")) == "law"


def test_at_rest_is_where_each_has_not_begun_or_has_ended() -> None:
    move = "with atomic():\n    g.n -= 1\nwith atomic():\n    g.m += 1"
    text = run(move, move, begin="g.n = 2")
    assert verdict(text + law("conserved", "g.n + g.m == 2")) == "holds"
    assert verdict(text + law("always", "g.n + g.m == 2")) == "law"
    always = law('conserved(when="always")', "g.n + g.m == 2")
    assert verdict(text + always) == "law"
    result = explore(text + law("conserved", "g.n + g.m == 2"))
    # both in front, one ended, the other ended, both ended
    assert result.label.statistics.judged["law"] == 4


def test_a_process_that_is_back_where_it_began_has_begun() -> None:
    loop = "while g.n < 2:\n    with atomic():\n        g.n += 1"
    assert verdict(run(loop) + law("conserved", "g.n != 1")) == "holds"
    assert verdict(run(loop) + law("always", "g.n != 1")) == "law"
    begun = law("always", "begun(g.who) == (g.m == 1)")
    steps = "with atomic():\n    g.m = 1\nwhile g.n < 2:\n    with atomic():\n        g.n += 1"
    text = run(steps).replace("start(p0)", "g.who = start(p0)")
    assert verdict(text + begun) == "holds"


def test_a_step_is_judged_by_the_states_before_and_behind_it() -> None:
    grows = law("step", "before(g.n) <= g.n")
    assert verdict(run("g.n = 1\ng.n = 2") + grows) == "holds"
    found = trace(run("g.n = 1\ng.n = 2\ng.n = 1") + grows)
    assert (found.violation.kind, len(found.events)) == ("law", 3)
    assert verdict(run("g.n = 0") + law("step", "g.m == 0 and before(g.m) == 0")) == "holds"
    # no step leads to the first state
    assert verdict(run("g.n = 1") + law("step", "g.n == 1")) == "holds"


def test_a_step_to_a_known_state_is_judged_too() -> None:
    loop = "while True:\n    with atomic():\n        g.n = 0 if g.n == 2 else g.n + 1"
    found = trace(run(loop) + law("step", "before(g.n) <= g.n"))
    assert (found.violation.kind, len(found.events)) == ("law", 3)
    nulls = law("step", "before(g.n) <= g.n or g.p.k == 0")
    assert verdict(run(loop) + nulls) == "null-deref"


# --- quantifiers ----------------------------------------------------------------------------------

PAGES = """
a = Page(k=1)
b = Page(k=2, up=a)
c = Page(k=3, up=b)
g.p = c
g.s.add(a)
g.s.add(b)
g.l.append(c)
g.l.append(a)
g.a[1] = 5
g.numbers.add(3)
g.numbers.add(7)
"""


@pytest.mark.parametrize(
    "claim",
    [
        "all(p.k >= 1 for p in alive(Page))",
        "not all(p.k >= 2 for p in alive(Page))",
        "any(p.k == 3 for p in alive(Page))",
        "not any(p.k == 3 for p in g.s)",
        "all(False for p in alive(Page) if p.k > 3)",
        "not any(True for p in alive(Page) if p.k > 3)",
        "count(p for p in alive(Page)) == 3",
        "count(p for p in alive(Page) if p.k > 1 if p.k < 3) == 1",
        "count(p for p in g.s if p in g.l) == 1",
        "sum(p.k for p in alive(Page)) == 6",
        "sum(p.k for p in g.l) == 4",
        "sum(x for x in g.a) == 5",
        "sum(x for x in g.numbers) == 10",
        "sum(i for i in range(1, 4)) == 6",
        "count(x for x in Colour if x != g.c) == 1",
        "all(any(q.up == p for q in alive(Page)) for p in alive(Page) if p.k < 3)",
        "count(p for p in alive(Page) for q in alive(Page) if p != q) == 6",
        "count(p for p in alive(Page) if p.up is not None for q in g.s if q == p.up) == 2",
        "all(p != q or p.k == q.k for p in alive(Page) for q in alive(Page))",
        "len(closure(g.p, Page.up)) == 3",
        "all(p in closure(g.p, Page.up) for p in g.s)",
        "len(closure(None, Page.up)) == 0",
        "count(p for p in alive(Page) if g.p in closure(p, Page.up)) == 1",
        "count(x for x in alive(Part)) == 3",
        "count(x for x in alive(G)) == 1",
        "len(processes()) == 1 and all(not ended(x) for x in processes())",
        "is_alive(g.p) and not is_alive(None if g.go else g.p.up.up.up)",
        "g.s <= alive(Page) and g.p in alive(Page)",
    ],
)
def test_quantifiers_say_what_they_say(claim: str) -> None:
    text = run("wait_until(False)", begin=PAGES).replace("@process", "@process(daemon=True)")
    assert verdict(text + law("always", claim)) == "holds"
    assert verdict(text + law("always", f"not ({claim})")) == "law"


def test_parameters_range_over_all_that_live() -> None:
    text = run("pause()", begin=PAGES)
    pairs = law("always", "p == q or p.k != q.k", "p: Page, q: Page")
    result = explore(text + pairs)
    assert told(result) == "holds"
    assert result.label.statistics.judged["law"] == 2 * 3 * 3
    found = trace(text + law("always", "p.k + q.k != 5", "p: Page, q: Page"))
    assert found.violation.kind == "law"
    assert "law(b, c)" in found.violation.message
    assert verdict(text + law("always", "not begun(x)", "x: Process")) == "holds"
    assert verdict(run("pause()\npause()") + law("always", "not begun(x)", "x: Process")) == "law"


def test_a_closure_ends_at_a_dangling_pointer_and_at_a_circle() -> None:
    frees = "x = g.p.up\nfree(x)"
    ends = law("always", "len(closure(g.p, Page.up)) == 3 or len(closure(g.p, Page.up)) == 1")
    assert verdict(run(frees, begin=PAGES) + ends) == "holds"
    both = law("always", "len(closure(g.p, Page.up)) == 3")
    assert verdict(run(frees, begin=PAGES) + both) == "law"
    assert verdict(run("pause()", begin=PAGES + "a.up = c") + both) == "holds"


def test_helpers_and_locals_of_properties_are_evaluated_in_one_go() -> None:
    more = "def parity(v: int) -> int:\n    if v % 2 == 0:\n        return 0\n    return 1\n\n"
    prop = (
        "@always\ndef law() -> bool:\n    x = parity(g.n)\n    y = x + 1\n    return y <= {most}\n"
    )
    text = run("g.n = 1").replace("@process", more + "@process")
    assert verdict(text + prop.format(most=2)) == "holds"
    assert verdict(text + prop.format(most=1)) == "law"


# --- positions ------------------------------------------------------------------------------------


def test_who_is_inside_of_a_function_is_between_its_steps() -> None:
    body = "g.n = 1\nsection()\ng.n = 2"
    text = run(body, body)
    assert verdict(text + law("always", "len(within(section)) <= 1")) == "law"
    found = trace(text + law("always", "len(within(section)) <= 1"))
    assert len(found.events) == 2  # the two stores in front of the call
    assert verdict(run(body) + law("always", "not inside(x, section)", "x: Process")) == "law"
    # before the call and behind it n tells where it is
    at = law("always", "g.n == 1 or not inside(x, section)", "x: Process")
    assert verdict(run(body) + at) == "holds"


def test_begun_and_ended_tell_where_a_process_is() -> None:
    text = run("with atomic():\n    g.n = 1\nwith atomic():\n    g.n = 2")
    text = text.replace("start(p0)", "g.who = start(p0)")
    claims = {
        "begun(g.who) == (g.n >= 1)",
        "ended(g.who) == (g.n == 2)",
        "begun(g.who) or g.n == 0",
    }
    for claim in claims:
        assert verdict(text + law("always", claim)) == "holds"
    assert verdict(text + law("always", "not begun(g.who)")) == "law"


# --- what goes wrong in them, and what is never asked ---------------------------------------------

FREES = "x = g.p\nfree(x)"


@pytest.mark.parametrize(
    ("body", "formula", "violation"),
    [
        ("g.p = None", "g.p.k == 3", "null-deref"),
        (FREES, "g.p.k == 3", "use-after-free"),
        (
            FREES,
            "all(p.k >= 0 for p in closure(g.p, Page.up)) and g.p.part.k == 0",
            "use-after-free",
        ),
        ("g.m = 3", "g.a[g.m] == 0", "range"),
        ("x = uninitialised(Page)\ng.p = x", "g.p.k == 3", "uninitialised-read"),
    ],
)
def test_a_property_that_goes_wrong_is_a_violation(body: str, formula: str, violation: str) -> None:
    text = run(body, begin="g.p = Page(k=3)") + law("always", formula)
    other = law("always", "True", name="other")
    assert verdict(text + other) == violation
    assert verdict(text + other, Options(properties=("law",))) == violation
    assert verdict(text + other, Options(properties=("other",))) == "holds"
    verdicts = {v.property: v for v in explore(text + other, Options(every=True)).verdicts}
    assert isinstance(verdicts[violation], Violated)
    assert isinstance(verdicts["law"], Unknown)
    assert isinstance(verdicts["other"], Holds)


def test_a_property_that_goes_wrong_hides_no_other() -> None:
    text = run("g.n = 1") + law("always", "g.p.k == 0", name="first")
    text += law("always", "g.n == 0")
    assert verdict(text, Options(properties=("law",))) == "law"
    found = [
        v.property for v in explore(text, Options(every=True)).verdicts if isinstance(v, Violated)
    ]
    assert found == ["null-deref", "law"]


def test_what_was_never_asked_for_is_on_the_label() -> None:
    text = run("if g.go:\n    g.n = 1\nelse:\n    g.n = 2") + law("always", "False", "p: Page")
    result = explore(text + law("always", "g.n <= 2", name="other"))
    assert told(result) == "holds"
    assert result.label.statistics.judged == {"law": 0, "other": states(text)}
    missing = [(u.what, u.span.text) for u in result.label.statistics.unexercised]
    assert missing == [("is never true", "g.go"), ("step", "g.n = 1")]
