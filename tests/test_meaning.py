"""The corners of the meaning, as SPIN sees them too: each of these was once wrong."""

from __future__ import annotations

import pytest

from kmcheck.driver import Options
from kmcheck.verdict import Violated
from tests.language import explore, program, told, verdict

PAGE = """
class Page(Object, limit={limit}):
    n: Annotated[int, range(3)]
    go: bool
    next: Ref["Page"]

"""
FIELDS = """
n: Annotated[int, range(9)]
go: bool
head: Ref["Page"]
s: SetOf["Page"]
t: SetOf["Page"]
numbers: Annotated[ArrayOf[Annotated[int, range(2)]], 2]
small: SetOf[Annotated[int, range(3)]]
"""


def run(*bodies: str, more: str = "", limit: int = 2) -> str:
    return program(FIELDS, *bodies, more=PAGE.format(limit=limit) + more)


def always(formula: str, role: str = "always") -> str:
    return f"@{role}\ndef law() -> bool:\n    return {formula}\n"


@pytest.mark.parametrize(
    "code",
    [
        "g.n = 5\ng.numbers[0] = g.n",
        "g.numbers[1] += 1\ng.numbers[1] += 1",
        "g.n = 3\ng.small.add(g.n)",
        "s: SetOf[Annotated[int, range(2)]] = SetOf()\ns.add(g.n + 2)",
    ],
)
def test_a_member_of_an_array_or_a_set_keeps_to_its_range(code: str) -> None:
    assert verdict(run(code)) == "range"


REUSED = "page = Page()\ng.s.add(page)\nfree(page)\npage = Page()\ng.t.add(page)\n"


@pytest.mark.parametrize(
    "after",
    [
        "g.s.update(g.t)\n    assert len(g.s) == 1",
        "assert len(g.s & g.t) == 1",
        "assert len(g.s - g.t) == 0",
        "assert g.s <= g.t and g.t <= g.s",
        "for x in each(g.t - g.s):\n        x.n = 2\n    assert page.n == 0",
    ],
)
def test_an_address_is_one_member_of_a_set_stale_or_not(after: str) -> None:
    assert verdict(run(REUSED + "with atomic():\n    " + after, limit=1)) == "holds"


ONE = "page = Page()\ng.head = page\ng.go = True\n"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("any(p.next is None or p.next.go for p in alive(Page))", "holds"),
        ("all(p.next is not None and p.next.go for p in alive(Page))", "law"),
        ("all(not p.go and not p.next.go for p in alive(Page))", "null-deref"),
    ],
)
def test_a_quantifier_looks_no_further_than_it_must(formula: str, expected: str) -> None:
    assert verdict(run(ONE, limit=1) + always(f"not g.go or {formula}")) == expected


def test_a_property_of_a_step_to_a_known_state_may_go_wrong() -> None:
    spec = run("while True:\n    g.go = not g.go") + always("not before(g.go) or g.head.go", "step")
    assert verdict(spec) == "null-deref"


def test_what_goes_wrong_in_one_property_hides_no_other() -> None:
    other = "@always\ndef other() -> bool:\n    return g.n > 0\n"
    spec = run("g.go = True") + always("g.head.go") + other
    found = explore(spec, Options(every=True))
    violated = [v.property for v in found.verdicts if isinstance(v, Violated)]
    assert violated == ["null-deref", "other"]


PART = """
class Part(Object):
    n: int


class Whole(Object, limit=1):
    part: Part


class Registry(Object):
    parts: SetOf[Part]
    wholes: SetOf[Whole]


registry = Registry()
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("whole = Whole()\nregistry.parts.add(whole.part)", "holds"),
        ("whole = Whole()\nregistry.wholes.add(whole)", "holds"),
        ("whole = Whole()\npart = whole.part", "leak"),
    ],
)
def test_a_pointer_into_an_object_keeps_it_from_being_lost(code: str, expected: str) -> None:
    assert verdict(run(code, more=PART)) == expected


@pytest.mark.parametrize("process", ["None", "g.who"])
def test_nobody_has_no_record(process: str) -> None:
    more = "class Task(Object):\n    n: int\n\n\ntasks = PerProcess(Task)\n"
    spec = program("who: Process", f"tasks.of({process}).n = 1", more=more)
    assert verdict(spec) == "range"


def test_a_dry_pool_does_not_hide_the_other_choices() -> None:
    body = "x = Page()\nwith atomic():\n    if may_fail():\n        z = Page()\n"
    spec = run(body + "    else:\n        assert False", limit=1)
    assert told(explore(spec)) == "assertion"
