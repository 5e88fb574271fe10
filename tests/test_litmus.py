"""Litmus tests: in the grammar of herd7, and what the run did is among what they may do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from kmcheck.driver import Options
from kmcheck.protocols import RenderOptions
from kmcheck.render.litmus import RENDERER
from kmcheck.store import read
from kmcheck.trace import Trace
from kmcheck.verdict import Violated
from tests import herd, language
from tests.runs import RUNS
from tests.strategies import traces
from tests.told import traced
from tests.traces import Script

STORED = sorted((Path(__file__).parent.parent / "counterexamples").rglob("*.json"))


def drawn(trace: Trace, *, full: bool = False) -> str:
    text = RENDERER.render(trace, RenderOptions(full=full))
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_a_test_says_what_the_run_did(run: str, full: bool) -> None:
    assert herd.is_reached(herd.parse(drawn(RUNS[run](), full=full)))


@pytest.mark.parametrize("path", STORED[::5], ids=lambda path: path.parent.name)
def test_a_test_of_a_stored_run_says_what_it_did(path: Path) -> None:
    assert herd.is_reached(herd.parse(drawn(read(path.read_text("utf-8")))))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces())
def test_whatever_the_run_is_the_test_is_in_the_grammar(trace: Trace) -> None:
    herd.parse(drawn(trace))


def flagship() -> str:
    return drawn(RUNS["no_read_lock"]())


def test_a_use_after_free_reads_through_the_pointer_whether_it_is_freed() -> None:
    test = herd.parse(flagship())
    assert test.initial == {"cache_0_memcg": "child"}
    assert test.processes[0][:1] == [("load", ("r0", "cache_0_memcg"))]
    assert ("store", ("child", "1")) in test.processes[1]
    assert test.condition[:1] == [("0:r0", "child")]
    assert ("load", ("r1", "r0")) in test.processes[0]
    assert ("0:r1", "1") in test.condition


def test_what_was_missing_makes_the_outcome_impossible() -> None:
    mended = flagship().replace("  r0 = ", "  rcu_read_lock();\n  r0 = ")
    mended = mended.replace("\n}\n\n// css_free", "\n  rcu_read_unlock();\n}\n\n// css_free")
    assert mended.count("rcu_read") == 2
    assert not herd.is_reached(herd.parse(mended))


def test_a_section_that_is_open_at_the_end_is_ended() -> None:
    text = drawn(RUNS["spins_for_ever"]())
    assert text.count("rcu_read_lock();") == text.count("rcu_read_unlock();") == 1
    assert "rcu_read_unlock();  /* behind the end of the run */" in text


def test_who_is_started_begins_behind_who_started_it_and_a_callback_behind_a_grace_period() -> None:
    (path,) = (p for p in STORED if p.match("kmem_cache_refcnt/CLEAR_SLOT=no/*.json"))
    test = herd.parse(drawn(read(path.read_text("utf-8"))))
    begun = [process[:2] for process in test.processes if process[0][0] == "acquire"]
    assert ("grace", ()) in [second for _, second in begun]
    flags = {words[1] for (_, words), _ in begun}
    stored = {
        words[0] for process in test.processes for kind, words in process if kind == "release"
    }
    assert flags == stored


def test_values_that_are_no_numbers_have_a_legend() -> None:
    text = drawn(RUNS["wrong_list_lock"]())
    assert re.search(r"child_lru_list: child->lru.list; 0 is \[item#0, item#1\], 1 is ", text)


def test_plain_accesses_that_race_are_plain() -> None:
    spec = language.program("n: Annotated[int, range(9)]", "g.n = 1", "x = READ_ONCE(g.n)")
    found = language.explore(spec, Options(races=True, properties=("data-race",)))
    (race,) = (v.trace for v in found.verdicts if isinstance(v, Violated))
    text = drawn(race)
    assert "*g_n = 1;" in text
    assert "READ_ONCE(*g_n)" in text
    assert "herd7 says Flag data-race" in text


@pytest.mark.parametrize("run", RUNS)
def test_every_step_is_written_down_or_named_as_left_out(run: str) -> None:
    trace = RUNS[run]()
    text = drawn(trace)
    named = {int(number) for number in re.findall(r"/\* (\d+)(?=[: ])", text)}
    about = text.replace("\n * ", " ")
    for out in re.findall(r"(?:Left out, as in the table|shared): steps? ([\d, -]+)", about):
        for part in out.rstrip(" ,").split(", "):
            first, _, last = part.partition("-")
            named |= set(range(int(first), int(last or first) + 1))
    calls: set[int] = set()
    for event in trace.events:
        serials = {frame.serial for frame in event.frames if frame.function == "synchronize_rcu"}
        assert event.number in named or serials & calls, event.number
        calls |= serials


def test_a_deadlock_says_that_it_is_no_outcome() -> None:
    text = drawn(RUNS["two_mutexes"]()).replace("\n * ", " ")
    assert "A deadlock is no outcome of a litmus test" in text
    assert "written as spinlocks" in text


def test_no_word_of_a_run_is_one_of_herd7() -> None:
    script = Script("words")
    for name in ("lock", "filter", "exists", "r1", "P0"):
        script.globe(name, "SpinLock" if name == "lock" else "Flag", owner="NULL", n="0")
        script.globe(f"g_{name}", "Flag", n="0")
    for process in ('exists "', "locations {"):
        script.process(process, "run")
    script.begin()
    for process in ('exists "', "locations {"):
        script.step(process, 'lock "exists" {', ("update", "lock", "owner", process))
        for name in ("filter", "exists", "r1", "P0"):
            script.step(process, f'final {{ "{name}', ("store", name, "n", "1"))
        script.step(process, "unlock }", ("update", "lock", "owner", "NULL"))
    test = herd.parse(drawn(script.end("small", "filter.n is exists.n", thing="filter"), full=True))
    assert [kind for kind, _ in test.processes[0]].count("store") == 4
    assert herd.is_reached(test)


def test_a_comment_does_not_end_early() -> None:
    odd = replace(RUNS["no_read_lock"](), spec='a*) "(* b', path="x")
    herd.parse(drawn(odd))


LISTED = """
from kmcheck.kernel.list import INIT_LIST_HEAD, ListLink, list_add, list_empty, {delete}
from kmcheck.lang import Object, process, setup, start


class Item(Object):
    link: ListLink


class Table(Object):
    head: ListLink
    found: bool
    removed: bool


table = Table()


@process
def look() -> None:
    found = not list_empty(table.head)
    table.found = found


@process
def remove(item: Item) -> None:
    {delete}(item.link)
    table.removed = True
    assert not table.found


@setup
def one() -> None:
    INIT_LIST_HEAD(table.head)
    item = Item()
    list_add(item.link, table.head)
    start(look)
    start(remove, item)
"""


@pytest.mark.parametrize("delete", ["list_del_rcu", "list_del_init"])
def test_a_link_that_another_process_follows_is_stored_to_and_loaded(delete: str) -> None:
    text = drawn(traced(LISTED.format(delete=delete), "assertion"))
    test = herd.parse(text)
    (looks, removes) = sorted(
        test.processes, key=lambda p: any(kind == "store" for kind, _ in p[:1])
    )
    assert looks[0] == ("load", ("r0", "table_head_next"))
    assert removes[0] == ("store", ("table_head_next", "table_head"))
    assert "one step of the spec; what else it stores to is not shared */\n" in text
    assert f": {delete}(&item#0->link) */" in text
    assert herd.is_reached(test)
