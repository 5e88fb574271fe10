"""Sections that one function begins and another one ends; barriers that a spec has modelled."""

from __future__ import annotations

from dataclasses import replace

from kmcheck.driver import Options
from kmcheck.necessity import SAME, Mutant, judge, mutants
from kmcheck.verdict import WITHOUT
from tests.language import source

NATIVE = Options(engine="native", without=WITHOUT)

SPEC = """
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

class Page(Object):
    n: Annotated[int, range(5)]
    page_lock: SpinLock

class G(Object):
    page: Ref[Page]
    other_lock: SpinLock

g = G()
HOLD = choice(True, "whether the read section goes on")

def begin_page() -> Page:
    rcu_read_lock()
    page = g.page
    spin_lock(page.page_lock)
    while page.n == 4:
        spin_unlock(page.page_lock)
        page = g.page
        spin_lock(page.page_lock)
    if not HOLD:
        rcu_read_unlock()
    return page

def end_page(page: Page) -> None:
    spin_unlock(page.page_lock)
    if HOLD:
        rcu_read_unlock()

@process
def adds() -> None:
    page = begin_page()
    page.n += 1
    end_page(page)

@process
def looks() -> None:
    rcu_read_lock()
    spin_lock(g.other_lock)
    n = g.page.n
    spin_unlock(g.other_lock)
    rcu_read_unlock()

@setup
def begin() -> None:
    g.page = Page()
    start(adds)
    start(adds)
    start(looks)

@finally_
def all_counted() -> bool:
    return g.page.n == 2
"""


def sections() -> dict[str, Mutant]:
    found = [m for m in mutants(source(SPEC)) if m.mutator == "section"]
    assert len(found) == 4
    return {f"{m.what}, {'looks' if m.line > line('def looks') else 'pages'}": m for m in found}


def line(text: str) -> int:
    rows = enumerate(source(SPEC).text.splitlines(), 1)
    return next(number for number, row in rows if text in row)


def test_what_another_function_ends_is_one_section() -> None:
    found = sections()
    no_lock = found["spin_lock(page.page_lock), pages"].source.text
    assert "page_lock)" not in no_lock
    assert no_lock.count("rcu_read_") == SPEC.count("rcu_read_")
    no_read = found["rcu_read_lock(), pages"].source.text
    assert no_read.count("rcu_read_unlock()") == no_read.count("rcu_read_lock()") == 1
    alone = found["rcu_read_lock(), looks"].source.text
    assert alone.count("rcu_read_unlock()") == 2


def test_no_mutant_ends_what_it_has_not_begun() -> None:
    told = {(o.what, o.verdict, o.told) for o in judge(source(SPEC), NATIVE, 2).outcomes}
    sections = {(w, v, t) for w, v, t in told if "_lock(" in w}
    assert sections == {
        ("rcu_read_lock()", "holds", ""),
        ("spin_lock(page.page_lock)", "violated", "all_counted"),
        ("spin_lock(g.other_lock)", "holds", ""),
    }


BARRIER = """
class G(Object):
    n: Annotated[int, range(5)]
    late: bool

g = G()
WEAK = choice(False, "whether the store may be late")

def smp_mb() -> None:
    if WEAK:
        wait_until(not g.late)

def adds() -> None:
    g.n += 1
    assert g.n > 0

@process
def stores() -> None:
    g.n = 1
    smp_mb()
    adds()
    smp_mb()

@action
def drains() -> None:
    wait_until(g.late)
    g.late = False

@setup
def begin() -> None:
    g.late = WEAK
    start(stores)

@always
def seen() -> bool:
    return g.n < 2 or not g.late
"""


def test_a_barrier_that_a_spec_has_modelled_is_taken_away() -> None:
    weak = judge(source(BARRIER), replace(NATIVE, settings={"WEAK": True}), 1).outcomes
    barriers = [(o.verdict, o.told) for o in weak if o.what == "smp_mb()"]
    assert barriers == [("violated", "seen"), ("holds", "")]


def test_a_call_that_does_nothing_with_these_settings_is_not_called_redundant() -> None:
    outcomes = judge(source(BARRIER), NATIVE, 1).outcomes
    barriers = [(o.verdict, o.told) for o in outcomes if o.what == "smp_mb()"]
    assert barriers == [(SAME, "as the spec")] * 2


def test_what_a_callee_drops_and_takes_again_is_one_section() -> None:
    drops = "    spin_unlock(g.other_lock)\n    spin_lock(g.other_lock)\n\n"
    helper = f"def fills() -> None:\n{drops}def end_page"
    text = SPEC.replace("def end_page", helper).replace(
        "    n = g.page.n\n", "    fills()\n    n = g.page.n\n"
    )
    (one,) = (m for m in mutants(source(text)) if "other_lock" in m.what)
    assert one.source.text.count("other_lock)") == 0
