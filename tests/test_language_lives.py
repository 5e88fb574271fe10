"""Objects have a life: allocated, freed, their slots used again; old pointers dangle."""

from __future__ import annotations

import pytest

from tests.language import explore, finals, program, refusal, states, told, trace, verdict

PAGE = "class Page(Object, limit=2):\n    n: int\n    next: Ref['Page']\n\n"
FIELDS = 'p: Ref["Page"]\nq: Ref["Page"]\ns: SetOf["Page"]\nl: ListOf["Page"]\nn: int\ngo: bool'
BOTH = "page = Page()\ng.s.add(page)\ng.l.append(page)\nfree(page)\n"
FREED = "page = Page()\ng.p = page\nfree(page)\n"


def run(*bodies: str, begin: str = "") -> str:
    return program(FIELDS, *bodies, more=PAGE, begin=begin)


@pytest.mark.parametrize(
    ("code", "violation"),
    [
        ("x = g.p.n", "null-deref"),
        ("g.p.n = 1", "null-deref"),
        ("g.p.n += 1", "null-deref"),
        ("free(g.p)", "null-deref"),
        ("x = g.p.next.n", "null-deref"),
        ("x = Page()\ny = x.next.n", "null-deref"),
        (FREED + "x = g.p.n", "use-after-free"),
        (FREED + "x = page.n", "use-after-free"),
        (FREED + "g.p.n = 1", "use-after-free"),
        (FREED + "page.n += 1", "use-after-free"),
        (FREED + "with atomic():\n    page.n += 1", "use-after-free"),
        (FREED + "wait_until(page.n == 0)", "use-after-free"),
        (FREED + "x = xchg(page.n, 1)", "use-after-free"),
        (FREED + "free(page)", "double-free"),
        (FREED + "free(g.p)", "double-free"),
        ("free(g)", "bad-free"),
    ],
)
def test_a_bad_pointer_is_found_where_it_is_followed(code: str, violation: str) -> None:
    assert verdict(run(code)) == violation


@pytest.mark.parametrize(
    "code",
    [
        FREED + "assert g.p == page",
        FREED + "assert g.p is not None",
        FREED + "g.q = page\nassert g.q == g.p",
        FREED + "x = page in g.s",
        BOTH + "assert page in g.s and page in g.l\nassert len(g.s) == 1 and len(g.l) == 1",
        "x: Page | None = None\nassert x is None",
    ],
)
def test_a_dangling_pointer_may_be_compared_and_stored(code: str) -> None:
    assert verdict(run(code)) == "holds"


COPIES = {
    "a field": "g.p = page\nfree(page)\nx = g.p.n",
    "a local": "x = page\nfree(page)\ny = x.n",
    "a set": "g.s.add(page)\nfree(page)\nfor x in g.s:\n    y = x.n",
    "a list": "g.l.append(page)\nfree(page)\nx = g.l.first()\ny = x.n",
    "a list's end": "g.l.append(Page())\ng.l.append(page)\nfree(page)\nfor x in g.l:\n    y = x.n",
    "a chosen member": "g.s.add(page)\nfree(page)\nx = choose(g.s)\ny = x.n",
    "a set in a local": "g.s.add(page)\nx = g.s.copy()\nfree(page)\nfor y in x:\n    z = y.n",
    "a field of another": "x = Page(next=page)\nfree(page)\ny = x.next.n",
}


@pytest.mark.parametrize("code", COPIES.values(), ids=COPIES)
def test_every_copy_of_an_address_dangles(code: str) -> None:
    assert verdict(run("page = Page()\n" + code)) == "use-after-free"
    assert verdict(run("page = Page()\n" + code.replace("free(page)\n", ""))) != "use-after-free"


def test_an_element_of_an_array_dangles() -> None:
    fields = "a: Annotated[ArrayOf[Ref['Page']], 2]"
    code = "page = Page()\ng.a[1] = page\nfree(page)\nx = g.a[1]\ny = x.n"
    assert verdict(program(fields, code, more=PAGE)) == "use-after-free"


def test_a_local_of_another_process_dangles() -> None:
    reader = "x = g.p\nwait_until(g.go)\ny = x.n"
    text = run(reader, "page = g.p\nfree(page)\ng.go = True", begin="g.p = Page()")
    assert verdict(text) == "use-after-free"
    found = trace(text)
    # the other loads, frees and lets it go, the reader loads, waits and follows: one change
    assert [e.process for e in found.events] == ["CPU1", "CPU1", "CPU1", "CPU0", "CPU0", "CPU0"]
    assert found.violation.cause == 2
    assert found.violation.thing == "page#0"


def test_a_pointer_that_a_process_was_given_dangles() -> None:
    text = f"""
{PAGE}
@process
def reader(page: Page) -> None:
    x = page.n

@process
def reaper(page: Page) -> None:
    free(page)

@setup
def begin() -> None:
    page = Page()
    start(reader, page)
    start(reaper, page)
"""
    found = trace(text)
    assert (found.violation.kind, len(found.events)) == ("use-after-free", 2)


def test_what_setup_frees_dangles_too() -> None:
    assert verdict(run("x = g.p.n", begin=FREED)) == "use-after-free"
    given = "page = Page()\nfree(page)\ng.q = page\n"
    assert verdict(run("x = g.q.n", begin=given)) == "use-after-free"
    assert verdict(run("x = g.p.n", begin="g.p = Page()\nfree(Page())\n")) == "holds"


# --- slots are used again ---------------------------------------------------------------------

ONE = PAGE.replace("limit=2", "limit=1")


def test_an_old_pointer_dangles_though_its_slot_lives_again() -> None:
    code = "page = Page()\nfree(page)\nother = Page()\nassert page == other\nother.n = 1\n"
    assert verdict(program(FIELDS, code + "g.p = other", more=ONE)) == "holds"
    assert verdict(program(FIELDS, code + "x = page.n", more=ONE)) == "use-after-free"
    assert verdict(program(FIELDS, code + "free(page)", more=ONE)) == "double-free"


POP = """
with atomic():
    wait_until(g.p is not None)
    top = g.p
    behind = top.next
if cmpxchg(g.p, top, behind) == top:
    g.q = top
"""
FREE = "if b is not None:\n    free(b)\nfree(a)\n"
RECYCLE = "a = xchg(g.p, None)\nb = a.next\n" + FREE + "g.p = Page()"
IN_TIME = "a = xchg(g.p, None)\nb = a.next\ng.p = Page()\n" + FREE


@pytest.mark.parametrize(
    "begin", ["g.p = Page(next=Page())", "top = Page()\ng.p = top\ntop.next = Page()"]
)
def test_the_aba_of_a_lockless_stack_is_found(begin: str) -> None:
    # top and behind are loaded; both are freed and top's slot is pushed again; top's address is
    # still what cmpxchg compares with, so it succeeds, and behind, freed, becomes the top: two
    # steps of the popper, six of the other, whichever of the two slots is the lower one
    law = "@always\ndef top_lives() -> bool:\n    return g.p is None or is_alive(g.p)\n"
    found = trace(program(FIELDS, POP, RECYCLE, more=PAGE, begin=begin) + law)
    assert (found.violation.kind, len(found.events)) == ("top_lives", 2 + 6)
    three = PAGE.replace("limit=2", "limit=3")
    assert verdict(program(FIELDS, POP, IN_TIME, more=three, begin=begin) + law) == "holds"


def test_free_slots_that_no_pointer_names_are_alike() -> None:
    many = PAGE.replace("limit=2", "limit=4")
    assert states(program(FIELDS, "g.p = Page()", more=many)) == states(
        program(FIELDS, "g.p = Page()", more=ONE)
    )
    # allocated, freed, and allocated again: in the old slot, which g.p still names, or in another
    again = "g.p = Page()\nfree(g.p)\ng.q = Page()\ng.n = 1 if g.p == g.q else 2"
    assert finals(program(FIELDS, again, more=many), "n") == {1, 2}
    assert finals(program(FIELDS, again, more=ONE), "n") == {1}


def test_a_new_object_in_an_old_slot_begins_as_zero() -> None:
    code = "a = Page(n=1)\na.next = a\nfree(a)\nb = Page()\nassert b.n == 0\nassert b.next is None"
    assert verdict(program(FIELDS, code + "\ng.p = b", more=ONE)) == "holds"


def test_what_was_freed_leaves_nothing_behind_that_tells_states_apart() -> None:
    code = "pause()\na = Page(n=choose(1, 2, 3))\nfree(a)\ng.n = 5"
    # before; one of 3 numbers chosen; allocated with it; freed (the local is an address, dangling,
    # the same in all three); ended
    assert states(program(FIELDS, code, more=ONE)) == 1 + 3 + 3 + 1 + 1


# --- pools ------------------------------------------------------------------------------------


def test_a_dry_pool_is_unknown_and_never_holds() -> None:
    text = program(FIELDS, "g.p = Page()\ng.q = Page()", more=ONE)
    result = explore(text)
    assert result.outcome == "unknown"
    assert told(result) == "unknown: bound reached: Page"
    assert verdict(run("g.p = Page()\ng.q = Page()")) == "holds"


def test_a_dry_pool_hides_no_violation_elsewhere() -> None:
    text = program(FIELDS, "g.p = Page()\ng.q = Page()", "g.n = 1\nassert g.n == 2", more=ONE)
    assert verdict(text) == "assertion"
    either = "if choose(True, False):\n    g.p = Page()\n    g.q = Page()\nelse:\n    assert False"
    assert verdict(program(FIELDS, "pause()\n" + either, more=ONE)) == "assertion"
    at_once = (
        "g.p = Page()\nwith atomic():\n    if choose(True, False):\n        g.q = Page()\n"
        "    else:\n        assert False"
    )
    assert verdict(program(FIELDS, at_once, more=ONE)) == "assertion"


def test_a_dry_pool_is_no_deadlock() -> None:
    assert verdict(program(FIELDS, "g.p = Page()\ng.q = Page()", more=ONE)) != "deadlock"


def test_a_class_that_processes_allocate_needs_a_limit() -> None:
    assert refusal(program(FIELDS, "g.p = Page()", more=PAGE.replace(", limit=2", ""))) == "K069"


def test_without_a_limit_there_are_as_many_slots_as_setup_allocates() -> None:
    more = PAGE.replace(", limit=2", "")
    law = "@always\ndef three() -> bool:\n    return count(p for p in alive(Page)) == 3\n"
    text = program(FIELDS, more=more, begin="for _ in range(3):\n    Page()") + law
    assert verdict(text) == "holds"


# --- uninitialised memory ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = uninitialised(Page)\ny = x.n", "uninitialised-read"),
        ("x = uninitialised(Page)\ny = x.next", "uninitialised-read"),
        ("x = uninitialised(Page)\nx.n += 1", "uninitialised-read"),
        ("x = uninitialised(Page)\ny = xchg(x.n, 1)", "uninitialised-read"),
        ("x = uninitialised(Page)\nx.n = 1\ny = x.n\ng.p = x", "holds"),
        ("x = Page()\ny = x.n\ng.p = x", "holds"),
        ("x = Page(n=1)\nfree(x)\ny = uninitialised(Page)\nz = y.n", "uninitialised-read"),
        ("if g.go:\n    x = 1\ng.n = x", "uninitialised-read"),
        ("if g.go:\n    x = 1\nelse:\n    x = 2\ng.n = x", "holds"),
        ("x: int\nif g.go:\n    x = 1\nif g.go:\n    g.n = x", "holds"),
        ("x: Page\nif g.go:\n    x = g.p\ny = x.n", "uninitialised-read"),
        ("while g.go:\n    x = 1\ng.n = x", "uninitialised-read"),
    ],
)
def test_what_was_never_written_is_not_to_be_read(code: str, expected: str) -> None:
    assert verdict(run(code)) == expected


def test_uninitialised_containers_are_no_trouble_to_others() -> None:
    node = (
        "class Node(Object, limit=3):\n    l: ListOf['Node']\n    s: SetOf['Node']\n"
        "    a: Annotated[ArrayOf[Ref['Node']], 2]\n    c: Counter\n    z: Size\n\n"
    )
    code = "g.k = uninitialised(Node)\nx = Node()\nfree(x)\nfree(g.k)"
    assert verdict(program("k: Ref['Node']", code, more=node)) == "holds"
    for look in ("len(g.k.l)", "len(g.k.s)", "g.k.a[0]", "g.k.c.is_zero()", "g.k.l.pop()"):
        text = program("k: Ref['Node']", f"g.k = uninitialised(Node)\nx = {look}", more=node)
        assert verdict(text) == "uninitialised-read"


def test_finals_sees_what_a_run_ends_with() -> None:
    assert finals(run("g.n = choose(1, 2)"), "n") == {1, 2}
