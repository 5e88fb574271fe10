"""Processes: begun by setup or by each other, their records, their CPUs, functions in fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmcheck.driver import Options, verify
from kmcheck.frontend import read
from tests.language import finals, program, refusal, states, told, verdict

NUMBER = "Annotated[int, range(8)]"
CHILD = f"""
@process(limit=2)
def child(by: {NUMBER}) -> None:
    fetch_add(g.n, by)
"""


def run(*bodies: str, more: str = "", fields: str = "", begin: str = "") -> str:
    return program(
        f"n: {NUMBER}\nm: {NUMBER}\np: Process\n{fields}", *bodies, more=more, begin=begin
    )


# --- starting -----------------------------------------------------------------------------------


def test_starting_a_process_is_a_step_and_the_process_runs_beside_the_others() -> None:
    # the starter starts (2 positions); the child is not there, ready, or has ended. The starter
    # ends with the start, so: before, child ready, child ended
    assert states(run("start(child, 1)", more=CHILD)) == 3
    # ... and with one step more behind the start: before; {ready, ended} x {2 positions}
    assert states(run("start(child, 1)\ng.m = 1", more=CHILD)) == 1 + 2 * 2
    assert finals(run("start(child, 1)\nstart(child, 2)", more=CHILD), "n") == {3}


def test_arguments_are_values_at_the_time_of_the_start() -> None:
    text = run("start(child, g.m)\ng.m = 5", more=CHILD, begin="g.m = 1")
    assert finals(text, "n") == {1}


def test_too_few_instances_of_a_process_are_unknown() -> None:
    more = CHILD.replace("limit=2", "limit=1")
    text = run("start(child, 1)\nstart(child, 2)", more=more)
    assert verdict(text) == "unknown: bound reached: child"
    waits = run("x = start(child, 1)\nwait_until(ended(x))\nstart(child, 2)", more=more)
    assert verdict(waits) == "holds"


def test_what_processes_start_needs_a_limit() -> None:
    assert refusal(run("start(child, 1)", more=CHILD.replace("(limit=2)", ""))) == "K067"


def test_a_process_is_a_value() -> None:
    body = "x = start(child, 1)\ng.p = x\nwait_until(ended(g.p))\nassert g.n == 1 and g.p != me()"
    assert verdict(run(body.replace(" and ", "\nassert "), more=CHILD)) == "holds"


def test_local_work_in_front_of_the_first_access_belongs_to_the_start() -> None:
    more = f"@process\ndef starter(by: {NUMBER}) -> None:\n    if by == 1:\n        g.n = 1\n"
    assert states(run(more=more, begin="start(starter, 1)")) == 2
    assert states(run(more=more, begin="start(starter, 0)")) == 1


def test_a_process_that_ends_leaves_nothing_that_tells_states_apart() -> None:
    # before; behind the choice, one state for each number; ended, whichever it was
    text = run("pause()\nx = choose(1, 2)\ng.m = 0\nassert x > 0")
    assert states(text) == 1 + 2 + 1


# --- records ------------------------------------------------------------------------------------

RECORD = f"""
class Record(Object):
    n: {NUMBER}
    seen: {NUMBER}

records = PerProcess(Record)
"""


def test_a_record_that_only_its_owner_touches_is_no_shared_memory() -> None:
    work = "mine(records).n += 1\nmine(records).n += 1\n"
    assert states(run(work + "g.n = 1", more=RECORD)) == states(run("g.n = 1"))
    kept = "mine(records).n = 3\ng.n = 1\nassert mine(records).n == 3"
    assert verdict(run(kept, "mine(records).n = 5\ng.m = 1", more=RECORD)) == "holds"


def test_a_field_that_others_touch_is_shared_for_its_owner_too() -> None:
    other = "x = records.of(g.p).n"
    begin = "g.p = start(p1)"
    text = run(other, "mine(records).n += 1", more=RECORD).replace("    start(p1)\n", "")
    # p0: two loads; p1: load and store of what is shared now: 3 x 3 positions, and p0 keeps nothing
    assert (
        states(text.replace("def begin() -> None:\n", f"def begin() -> None:\n    {begin}\n")) == 9
    )


def test_the_record_of_nobody_cannot_be_reached() -> None:
    assert verdict(run("pause()\nx = records.of(g.p).n", more=RECORD)) in ("null-deref", "range")


def test_a_new_process_has_a_new_record() -> None:
    more = (
        RECORD
        + "@process(limit=1)\ndef late() -> None:\n    mine(records).n += 1\n"
        + ("    g.n = mine(records).n\n")
    )
    twice = "x = start(late)\nwait_until(ended(x))\ny = start(late)\nwait_until(ended(y))"
    assert finals(run(twice, more=more), "n") == {1}


def test_a_hook_looks_at_the_record_when_the_process_ends() -> None:
    hook = "    def on_exit(self) -> None:\n        check(self.n == 0, 'held', 'still holds')\n"
    more = RECORD.replace("\nrecords", hook + "\nrecords")
    assert verdict(run("mine(records).n = 1\ng.n = 1\nmine(records).n = 0", more=more)) == "holds"
    assert verdict(run("mine(records).n = 1\ng.n = 1", more=more)) == "held"
    early = "mine(records).n = 1\ng.n = 1\nif g.m == 0:\n    return\nmine(records).n = 0"
    assert verdict(run(early, more=more)) == "held"


# --- CPUs ---------------------------------------------------------------------------------------

STOCK = f"""
class Stock(Object):
    n: {NUMBER}

stock = PerCpu(Stock)
"""
LOCAL = f"""
@process
def local(by: {NUMBER}) -> None:
    this_cpu(stock).n = by
"""
REMOTE = """
@process
def remote() -> None:
    g.n = stock.on(1).n
"""


def test_each_cpu_has_its_own() -> None:
    begin = "start(local, 3, cpu=0)\nstart(local, 5, cpu=1)\nstart(remote)"
    assert finals(run(more=STOCK + LOCAL + REMOTE, begin=begin), "n") == {0, 5}
    # two stores, and a remote load and a store: 2 x 2 x 3, and the value kept in between: 0 or 5
    assert states(run(more=STOCK + LOCAL + REMOTE, begin=begin)) == 2 * (2 + 3 + 3)


def test_there_are_as_many_cpus_as_processes_are_bound_to() -> None:
    assert verdict(run(more=STOCK + REMOTE, begin="start(remote)")) == "range"
    law = "@always\ndef two() -> bool:\n    return count(s for s in alive(Stock)) == 2\n"
    assert verdict(run(more=STOCK + LOCAL, begin="start(local, 1, cpu=1)") + law) == "holds"


# --- functions in fields ------------------------------------------------------------------------

WORK = f"""
class Work(Object):
    fn: Callable[["Work"], None]
    k: {NUMBER}

def one(work: Work) -> None:
    g.n = work.k

def two(work: Work) -> None:
    g.n = 2

def never(work: Work) -> None:
    g.n = 7
"""
FIELDS = 'w: Ref["Work"]'


def test_a_call_through_a_field_runs_what_is_in_it_now() -> None:
    call = "x = g.w\nx.fn(x)"
    begin = "g.w = Work(fn=one, k=1)"
    assert finals(run(call, more=WORK, fields=FIELDS, begin=begin), "n") == {1}
    late = "g.w.fn = two"
    assert finals(run(call, late, more=WORK, fields=FIELDS, begin=begin), "n") == {1, 2}
    # loads of g.w and x.fn, then a load and a store; the other function stores at once
    assert states(run(call, more=WORK, fields=FIELDS, begin=begin)) == 5
    assert states(run(call, more=WORK, fields=FIELDS, begin=begin.replace("one", "two"))) == 4


def test_a_null_function_is_not_called() -> None:
    call = "x = g.w\nx.fn(x)"
    assert verdict(run(call, more=WORK, fields=FIELDS, begin="g.w = Work()")) == "null-deref"
    cleared = "g.w.fn = None"
    text = run(call, cleared, more=WORK, fields=FIELDS, begin="g.w = Work(fn=one)")
    assert verdict(text) == "null-deref"
    asked = "x = g.w\nif x.fn is not None:\n    x.fn(x)"
    assert verdict(run(asked, more=WORK, fields=FIELDS, begin="g.w = Work()")) == "holds"


def test_a_function_may_be_passed_by_its_name() -> None:
    more = WORK + "def apply(f: Callable[[Work], None], w: Work) -> None:\n    f(w)\n"
    text = run("apply(two, g.w)", more=more, fields=FIELDS, begin="g.w = Work()")
    assert finals(text, "n") == {2}


def test_a_function_that_calls_itself_is_refused() -> None:
    more = "def again() -> None:\n    g.n = 1\n    again()\n"
    assert refusal(run("again()", more=more)) == "K062"


# --- embedded objects ---------------------------------------------------------------------------

BOX = f"""
class Inner(Object, limit=1):
    k: {NUMBER}

class Box(Object, limit=2):
    pad: {NUMBER}
    first: Inner
    second: Inner

class Other(Object, limit=1):
    first: Inner
"""
HELD = 'i: Ref["Inner"]\nb: Ref["Box"]\no: Ref["Other"]'


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "b = Box()\nb.first.k = 1\nassert b.first.k == 1\nassert b.second.k == 0\ng.b = b",
            "holds",
        ),
        ("b = Box()\ng.i = b.second\nassert g.i == b.second\nassert b.first != b.second", "holds"),
        ("b = Box()\ng.i = b.second\nassert container_of(g.i, Box, Box.second) == b", "holds"),
        ("b = Box()\ng.i = b.second\nx = container_of(g.i, Box, Box.first)", "assertion"),
        ("o = Other()\ng.i = o.first\nx = container_of(g.i, Box, Box.first)", "assertion"),
        ("x = container_of(g.i, Box, Box.first)", "null-deref"),
        ("b = Box()\ng.i = b.first\nfree(b)\nx = g.i.k", "use-after-free"),
        (
            "b = Box()\ng.i = b.first\nfree(b)\nx = container_of(g.i, Box, Box.first).pad",
            "use-after-free",
        ),
        ("b = Box()\ng.i = b.first\nfree(g.i)\nx = b.pad", "use-after-free"),
        ("b = Box()\nfree(b)\nfree(b.first)", "double-free"),
        ("x = g.b.first.k", "null-deref"),
        (
            "g.b = Box()\ng.i = g.b.second\nassert is_embedded(g.i) and not is_embedded(g.b)",
            "holds",
        ),
        ("g.i = Inner()\nassert not is_embedded(g.i)", "holds"),
        ("assert not is_embedded(g.i)\nassert not is_embedded(g.b)", "holds"),
        ("b = Box()\ng.i = b.first\nfree(b)\nassert is_embedded(g.i)", "holds"),
    ],
)
def test_an_embedded_object_lives_and_dies_with_its_container(code: str, expected: str) -> None:
    assert verdict(run(code, more=BOX, fields=HELD)) == expected


def test_an_address_of_an_embedded_object_takes_no_load() -> None:
    begin = "g.b = Box()"
    assert states(run("x = g.b.first", more=BOX, fields=HELD, begin=begin)) == 2
    assert states(run("x = g.b.first.k", more=BOX, fields=HELD, begin=begin)) == 3
    assert states(run("x = is_embedded(g.b.first)", more=BOX, fields=HELD, begin=begin)) == 2


def test_hooks_run_in_the_step_that_frees_while_the_object_is_there() -> None:
    hook = "    def on_free(self) -> None:\n        check(self.k == 0, 'in-use', 'still used')\n"
    more = BOX.replace("\nclass Box", hook + "\nclass Box")
    assert verdict(run("b = Box()\nfree(b)", more=more, fields=HELD)) == "holds"
    text = run("b = Box()\nb.second.k = 1\nfree(b)", more=more, fields=HELD)
    assert verdict(text) == "in-use"
    assert states(run("b = Box()\nfree(b)", more=more, fields=HELD)) == 3


# --- several files ------------------------------------------------------------------------------


def test_a_spec_imports_from_the_files_beside_it(tmp_path: Path) -> None:
    shared = "from kmcheck.lang import Object\n\nclass G(Object):\n    n: int\n\ng = G()\n"
    shared += "\n\ndef put(v: int) -> None:\n    g.n = v\n"
    spec = "from kmcheck.lang import always, process, setup, start\nfrom shared import g, put\n"
    spec += "\n\n@process\ndef p() -> None:\n    put(1)\n"
    spec += "\n\n@setup\ndef begin() -> None:\n    start(p)\n"
    spec += "\n\n@always\ndef law() -> bool:\n    return g.n == 0\n"
    (tmp_path / "shared.py").write_text(shared, "utf-8")
    (tmp_path / "spec.py").write_text(spec, "utf-8")
    assert told(verify(read(str(tmp_path / "spec.py")), Options())) == "law"


def test_a_property_that_is_imported_by_its_name_is_judged(tmp_path: Path) -> None:
    shared = "from kmcheck.lang import Object, always\n\nclass G(Object):\n    n: int\n\ng = G()\n"
    shared += "\n\n@always\ndef law() -> bool:\n    return g.n == 0\n"
    shared += "\n\n@always\ndef other() -> bool:\n    return False\n"
    spec = "from kmcheck.lang import process, setup, start\nfrom shared import {}\n"
    spec += "\n\n@process\ndef p() -> None:\n    g.n = 1\n"
    spec += "\n\n@setup\ndef begin() -> None:\n    start(p)\n"
    (tmp_path / "shared.py").write_text(shared, "utf-8")
    for names, expected in (("g, law", "law"), ("g", "holds")):
        (tmp_path / "spec.py").write_text(spec.format(names), "utf-8")
        assert told(verify(read(str(tmp_path / "spec.py")), Options())) == expected
