"""Primitives that would have prevented a violation: what is put in, where, and what is left out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from kmcheck import prevention as room
from kmcheck.additions import Addition, Run, Written, additions
from kmcheck.cli import kmcheck
from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.prevention import Prevention, prevention
from kmcheck.verdict import Violated

READERS = """\
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock, synchronize_rcu
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, process, setup, start


class Thing(Object):
    value: int


class Kernel(Object):
    thing: Ref[Thing]


kernel = Kernel()


@process
def reads() -> None:
    \"\"\"Reads.\"\"\"
    rcu_read_lock()
    thing = kernel.thing
    if thing is None:
        rcu_read_unlock()
        return
    thing.value = 1
    rcu_read_unlock()


@process
def removes() -> None:
    thing = kernel.thing
    kernel.thing = None
    synchronize_rcu()
    kfree(thing)


@setup
def begin() -> None:
    kernel.thing = Thing()
    start(reads)
    start(removes)
"""
UNREAD = READERS.replace("    rcu_read_lock()\n", "").replace("        rcu_read_unlock()\n", "")
UNREAD = UNREAD.replace("    rcu_read_unlock()\n", "").replace(
    "rcu_read_lock, rcu_read_unlock, ", ""
)
UNWAITED = READERS.replace("    synchronize_rcu()\n", "").replace(", synchronize_rcu", "")
NEITHER = UNREAD.replace("    synchronize_rcu()\n", "")

COUNTED = """\
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.lang import Object, finally_, process, setup, start


class G(Object):
    n: int
    lock: Mutex


g = G()


@process
def adds(g: G) -> None:
    mutex_lock(g.lock)
    g.n += 1
    mutex_unlock(g.lock)


@process
def takes(other: G) -> None:
    other.n -= 1


@finally_
def nothing_is_lost() -> bool:
    return g.n == 0


@setup
def begin() -> None:
    start(adds, g)
    start(takes, g)
"""

TAKEN = """\
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock, synchronize_rcu
from kmcheck.kernel.refcount import Refcount, refcount_dec_and_test, refcount_inc, refcount_set
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, process, setup, start


class Thing(Object):
    refs: Refcount


class Kernel(Object):
    thing: Ref[Thing]


kernel = Kernel()


def take() -> Thing | None:
    thing = kernel.thing
    if thing is not None:
        refcount_inc(thing.refs)
    return thing


def put(thing: Thing) -> None:
    if refcount_dec_and_test(thing.refs):
        synchronize_rcu()
        kfree(thing)


@process
def uses() -> None:
    rcu_read_lock()
    thing = take()
    rcu_read_unlock()
    if thing is not None:
        put(thing)


@process
def removes() -> None:
    thing = kernel.thing
    kernel.thing = None
    put(thing)


@setup
def begin() -> None:
    kernel.thing = Thing()
    refcount_set(kernel.thing.refs, 1)
    start(uses)
    start(removes)
"""


def tried(text: str, most: int = 2) -> Prevention:
    return prevention(Source("spec.py", text), Options(), 2, most)


def enough(found: Prevention) -> list[str]:
    return ["; ".join(map(str, change)) for change in found.enough]


def line(text: str, part: str) -> int:
    return next(n for n, row in enumerate(text.splitlines(), 1) if part in row)


def test_a_read_section_is_found_around_the_load_and_the_use() -> None:
    found = tried(UNREAD)
    first, last = line(UNREAD, "thing = kernel.thing"), line(UNREAD, "thing.value = 1")
    assert enough(found) == [f"rcu_read_lock() around lines {first}-{last}"]


def test_a_grace_period_is_found_before_the_free() -> None:
    found = tried(UNWAITED)
    freed = line(UNWAITED, "kfree(thing)")
    assert f"synchronize_rcu() before kfree(thing), line {freed}" in enough(found)
    assert {len(change) for change in found.enough} == {1}


def test_both_are_found_where_neither_is_there_and_nothing_alone_is_enough() -> None:
    found = tried(NEITHER)
    begun, ended = line(NEITHER, "thing = kernel.thing"), line(NEITHER, "thing.value = 1")
    freed = line(NEITHER, "kfree(thing)")
    section = f"rcu_read_lock() around lines {begun}-{ended}"
    assert f"{section}; synchronize_rcu() before kfree(thing), line {freed}" in enough(found)
    assert {len(change) for change in found.enough} == {2}
    assert {t.verdict for change, t in found.tried if len(change) == 1} == {"violated"}


def test_a_lock_of_the_spec_is_named_as_the_other_function_can_name_it() -> None:
    taken = line(COUNTED, "other.n -= 1")
    assert f"mutex_lock(other.lock) around line {taken}" in enough(tried(COUNTED))


def test_an_atomic_update_is_enough_only_where_both_sides_have_one() -> None:
    free = COUNTED.replace("    mutex_lock(g.lock)\n", "").replace("    mutex_unlock(g.lock)\n", "")
    found = tried(free)
    one, other = line(free, "g.n += 1"), line(free, "other.n -= 1")
    both = (
        f"fetch_add(g.n, 1) in place of g.n += 1, line {one}; "
        f"fetch_add(other.n, -1) in place of other.n -= 1, line {other}"
    )
    assert both in enough(found)
    assert {len(change) for change in found.enough} == {2}


def test_a_tryget_is_found_in_place_of_a_get() -> None:
    failing = TAKEN.replace(
        "    if thing is not None:\n        refcount_inc(thing.refs)\n    return thing",
        "    if thing is None:\n        return None\n"
        "    refcount_inc(thing.refs)\n    return thing",
    )
    asks = "refcount_inc_not_zero(thing.refs) in place of refcount_inc()"
    at = line(failing, "refcount_inc(thing.refs)")
    assert f"{asks}, line {at}" in enough(tried(failing, most=1))


@pytest.mark.parametrize("text", [UNREAD, UNWAITED, NEITHER, COUNTED])
def test_what_is_left_out_untried_would_not_have_been_enough(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tried(text)
    monkeypatch.setattr(room, "_meets", lambda *_: True)
    whole = tried(text)
    assert enough(found) == enough(whole)
    assert len(found.tried) <= len(whole.tried)


def test_only_where_the_run_has_been_something_is_put_in() -> None:
    nowhere = READERS + "\n\n@process\ndef other() -> None:\n    kfree(kernel.thing)\n"
    source = Source("spec.py", nowhere)
    run = Run((frozenset({line(nowhere, "thing.value = 1")}),) * 2, frozenset())
    found = additions(source, [run], whole=False)
    assert {addition.function for addition in found} == {"reads"}
    assert all(run.has_been_at(addition) for addition in found)


def test_what_is_put_in_can_be_read_and_lines_stay_those_of_the_spec() -> None:
    source = Source("spec.py", TAKEN)
    everywhere = frozenset(range(TAKEN.count("\n") + 1))
    run = Run((everywhere, everywhere), everywhere)
    found = additions(source, [run], whole=True)
    assert len({addition.remedy for addition in found}) >= 4
    for addition in found:
        written = Written(source, [addition])
        ast.parse(written.source.text)
        result = verify(written.source, Options())
        violated = [v for v in result.verdicts if isinstance(v, Violated)]
        been = {at for v in violated for step in written.run(v.trace).steps for at in step}
        rows = TAKEN.splitlines()
        assert all(rows[at - 1].strip() not in {"", "@process", "@setup"} for at in been)


def test_a_section_ends_before_each_return_that_is_in_it() -> None:
    at = line(UNREAD, "thing = kernel.thing"), line(UNREAD, "thing.value = 1")
    section = Addition("sections", "reads", "rcu_read_lock()", *at)
    told = Written(Source("spec.py", UNREAD), [section]).source.text
    body = told[told.index("def reads") : told.index("@process\ndef removes")]
    assert [row.strip() for row in body.splitlines() if row.strip()] == [
        "def reads() -> None:",
        '"""Reads."""',
        "rcu_read_lock()",
        "thing = kernel.thing",
        "if thing is None:",
        "rcu_read_unlock()",
        "return",
        "thing.value = 1",
        "rcu_read_unlock()",
    ]


def test_no_section_is_left_by_a_jump() -> None:
    looped = UNREAD.replace(
        "    if thing is None:\n        return\n    thing.value = 1\n",
        "    for _ in range(2):\n        if thing is None:\n            break\n"
        "        thing.value = 1\n",
    )
    everywhere = frozenset(range(looped.count("\n") + 1))
    run = Run((everywhere, everywhere), everywhere)
    found = additions(Source("spec.py", looped), [run], whole=False)
    inside = line(looped, "break")
    loop = line(looped, "for _ in range(2)")
    for addition in (a for a in found if a.last is not None and inside in a.lines):
        assert loop in addition.lines


def test_the_command_tells_what_was_enough_and_sums_up_what_was_not(tmp_path: Path) -> None:
    path = tmp_path / "here" / "read.py"
    path.parent.mkdir()
    path.write_text(UNREAD, "utf-8")
    command = ["prevent", str(path), "--progress", "never"]
    done = CliRunner().invoke(kmcheck, command, standalone_mode=False)
    assert done.return_value == 0
    told = done.stdout.splitlines()
    assert told[:4] == [
        "here/read: use-after-free in 7 steps",
        "",
        "prevented by",
        "  rcu_read_lock() around lines 20-23",
    ]
    rows = [row.split("  ")[1] for row in told[told.index("not by") + 1 :]]
    assert "synchronize_rcu() before kfree(thing), line 31" in rows
    assert any(row.startswith("rcu_read_lock() in removes(), ") for row in rows)
