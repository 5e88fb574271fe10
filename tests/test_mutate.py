"""What carries load: what is taken away from a spec, and what comes of it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kmcheck.batch import Ledger
from kmcheck.cli import kmcheck
from kmcheck.cli.mutate import _text, _unbroken
from kmcheck.diagnostics import UsageError
from kmcheck.driver import Options, verify
from kmcheck.editing import Change, Edit, edited
from kmcheck.frontend import read
from kmcheck.necessity import NOT_RUN, REFUSED, SAME, Necessity, Outcome, judge, mutants
from kmcheck.verdict import WITHOUT, Budget
from tests.language import source


@dataclass(frozen=True)
class Counted:
    n: int


ROOT = Path(__file__).resolve().parent.parent
NATIVE = Options(engine="native", without=WITHOUT)
SPECS = sorted((ROOT / "specs").glob("*/*.py"))

SPEC = """
class Lock(Object):
    taken: bool

class G(Object):
    n: Annotated[int, range(5)]
    done: bool
    ready: bool
    lock: Lock
    page: Ref["Page"]

class Page(Object, limit=2):
    n: Annotated[int, range(5)]

g = G()
SKIPPED = choice(False, "an arm that is left out")

def my_lock(lock: Lock) -> None:
    with atomic():
        wait_until(not lock.taken)
        lock.taken = True

def my_unlock(lock: Lock) -> None:
    lock.taken = False

def wait_for_done() -> None:
    wait_until(g.done)

@process
def adds() -> None:
    my_lock(g.lock)
    n = g.n
    g.n = n + 1
    my_unlock(g.lock)
    if g.n == 4:
        my_lock(g.lock)
        my_unlock(g.lock)

@process
def works() -> None:
    fetch_add(g.n, 1)
    g.ready = True
    g.done = True
    if SKIPPED:
        wait_for_done()

@process
def reads() -> None:
    wait_for_done()
    assert g.done
    if g.done:
        assert g.ready

@setup
def begin() -> None:
    start(adds)
    start(adds)
    start(works)
    start(reads)

@finally_
def all_counted() -> bool:
    return g.n >= 2
"""


def found(text: str = SPEC, known: Path | None = None) -> dict[tuple[str, int], tuple[str, str]]:
    told = judge(source(text), NATIVE, 2, known)
    return {(o.mutator, o.line): (o.verdict, o.told) for o in told.outcomes}


def line(text: str, nth: int = 0) -> int:
    """Return the number of a line of the spec that begins so."""
    lines = source(SPEC).text.splitlines()
    return [n for n, there in enumerate(lines, 1) if there.strip().startswith(text)][nth]


def test_each_mutator_takes_its_thing_away() -> None:
    told = found()
    assert told["section", line("my_lock(g.lock)")] == ("violated", "all_counted")
    assert told["section", line("my_lock(g.lock)", 1)] == (NOT_RUN, "")
    own = line("wait_until(g.done)")
    assert told["wait", own] == ("violated", "assertion")
    assert told["wait", line("wait_for_done()", 1)] == (SAME, f"as line {own}, wait")
    assert told["wait", line("wait_for_done()", 0)][0] == SAME
    assert told["order", line("g.ready = True")] == ("violated", "assertion")
    assert told["atomic", line("with atomic()")] == ("violated", "all_counted")
    assert told["atomic", line("fetch_add")] == ("violated", "all_counted")
    assert len(told) == 9


LAWS = """
@always
def says_nothing() -> bool:
    return g.n < 5

@always
def ready_first() -> bool:
    return g.ready or not g.done
"""
IDLE_LAW = SPEC.replace("assert g.done", "pass").replace("assert g.ready", "pass") + LAWS


def test_a_property_that_no_mutant_breaks_is_told() -> None:
    first = judge(source(IDLE_LAW), NATIVE, 2)
    (law,) = first.unbroken
    assert (law.property, law.held < law.verified) == ("says_nothing", True)
    every = judge(source(IDLE_LAW), replace(NATIVE, every=True, properties=OWN), 2)
    (law,) = every.unbroken
    assert (law.property, law.held, law.verified) == ("says_nothing", 6, 6)
    (order,) = (o for o in every.outcomes if o.mutator == "order")
    assert (order.told, order.held) == ("ready_first", ("all_counted", "says_nothing"))


OWN = ("says_nothing", "ready_first", "all_counted")


def test_the_command_says_what_may_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(source(IDLE_LAW).text)
    wanted = [word for name in OWN for word in ("-p", name)]
    command = ["mutate", str(tmp_path / "spec.py"), "--all", *wanted, "--resume"]
    kept = str(tmp_path / "kept.json")
    for form in ("text", "markdown"):  # the second one knows what the first one found
        told = CliRunner().invoke(kmcheck, [*command, kept, "--format", form]).stdout
        assert "no mutant breaks says_nothing: it may say nothing here\n" in told
    told = json.loads(CliRunner().invoke(kmcheck, [*command, kept, "--format=json"]).stdout)
    assert told["unbroken"] == [{"property": "says_nothing", "held": 6, "verified": 6}]
    assert told["vacuous"] == told["unmet"] == []
    plain = CliRunner().invoke(kmcheck, ["mutate", str(tmp_path / "spec.py")]).stdout
    assert "no mutant is known to break says_nothing: the other 5 of 6 end" in plain


TRYGET = """
class G(Object):
    ref: Refcount
    page: Ref["Page"]

class Page(Object):
    n: Annotated[int, range(5)]

g = G()

@process
def gets() -> None:
    if refcount_inc_not_zero(g.ref):
        g.page.n = 1
        if refcount_dec_and_test(g.ref):
            g.page = None

@process
def puts() -> None:
    if refcount_dec_and_test(g.ref):
        g.page = None

@setup
def begin() -> None:
    g.page = Page()
    refcount_set(g.ref, 1)
    start(gets)
    start(puts)
"""


def test_a_tryget_becomes_a_get_that_is_imported() -> None:
    words = "Refcount, refcount_dec_and_test, refcount_inc_not_zero, refcount_set"
    text = f"from kmcheck.kernel.refcount import {words}\n{TRYGET}"
    told = found(text)
    assert [verdict for verdict, _ in told.values()] == ["violated"]
    mutant = mutants(source(text))[0].source.text
    assert "import refcount_inc\n" in mutant
    assert "    refcount_inc(g.ref)\n    if True:\n" in mutant


def test_what_is_called_later_is_called_at_once_and_what_cannot_be_is_told() -> None:
    told = necessity("kmemcg/reparent_caches.py")
    by_what = {o.what: (o.verdict, o.told, o.steps) for o in told.outcomes}
    assert by_what["rcu_read_lock()"] == ("violated", "use-after-free", 11)
    assert by_what["synchronize_rcu()"] == ("violated", "use-after-free", 10)
    assert told.counts == (2, 4)


def necessity(spec: str) -> Necessity:
    return judge(read(str(ROOT / "specs" / spec)), NATIVE, 2)


def test_outcomes_are_kept_and_not_found_again(tmp_path: Path) -> None:
    ledger = tmp_path / "outcomes"
    first = found(known=ledger)
    kept = json.loads(ledger.read_text("utf-8"))
    assert len(kept) == 6, kept
    for outcome in kept.values():
        outcome["told"] = "as the file says"
    ledger.write_text(json.dumps(kept), "utf-8")
    again = found(known=ledger)
    changed = {key for key in first if first[key] != again[key]}
    assert len(changed) == 6
    assert all(again[key][1] == "as the file says" for key in changed)
    ledger.write_text("{", "utf-8")
    with pytest.raises(UsageError, match="no file of outcomes"):
        found(known=ledger)


def test_a_spec_that_does_not_hold_has_no_mutants() -> None:
    with pytest.raises(UsageError, match="violated as it is"):
        found(SPEC.replace("g.n >= 2", "g.n >= 4"))


def test_what_is_not_explored_to_its_end_is_unknown() -> None:
    whole = judge(source(SPEC), NATIVE, 1)
    states = whole.result.label.statistics.states
    options = replace(NATIVE, budget=Budget(states=states))
    told = judge(source(SPEC), options, 1)
    verdicts = {o.verdict for o in told.outcomes}
    assert "unknown" in verdicts
    assert "holds" not in verdicts or told.counts[1] < whole.counts[1]


def test_what_the_choices_leave_out_is_not_called_redundant() -> None:
    text = source(
        """
        from kmcheck.kernel.rcu import synchronize_rcu

        class G(Object):
            n: int

        g = G()
        WAIT = choice(False, "whether it waits")

        @process
        def adds() -> None:
            if WAIT:
                synchronize_rcu()
            g.n += 1

        @setup
        def begin() -> None:
            start(adds)
        """
    )
    (wait,) = judge(text, Options(), 1).outcomes
    assert (wait.verdict, wait.told) == (SAME, "as the spec: the choices leave this out")


def test_an_atomic_block_of_one_statement_may_be_several_steps() -> None:
    text = """
    class G(Object):
        n: Annotated[int, range(-2, 1)]
        done: bool
        owner: Annotated[int, range(3)]

    g = G()

    @process
    def takes() -> None:
        with atomic():
            g.n -= 1
        with atomic():
            g.done = True
        with atomic():
            if g.owner < 2:
                g.owner = g.owner + 1

    @setup
    def begin() -> None:
        start(takes)
        start(takes)

    @finally_
    def all_counted() -> bool:
        return g.n == -2 and g.owner == 2
    """
    told = [(o.what, o.verdict, o.told) for o in judge(source(text), NATIVE, 1).outcomes]
    assert told == [
        ("with atomic()", "violated", "all_counted"),
        ("with atomic()", SAME, "as the spec"),
        ("with atomic()", "violated", "all_counted"),
    ]


def test_what_the_spec_waits_for_itself_is_not_waited_for() -> None:
    text = SPEC.replace(
        "@setup", "@action\ndef resets() -> None:\n    wait_until(g.n == 9)\n\n@setup"
    )
    told = found(text.replace("range(5)", "range(10)"))
    assert told["wait", line("wait_until(not lock.taken)")] == ("violated", "all_counted")
    assert told["wait", line("wait_until(g.done)")] == ("violated", "assertion")
    assert [at for what, at in told if what == "wait"][-1] < line("@setup")


LOCKED = """
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_trylock, mutex_unlock

class G(Object):
    n: Annotated[int, range(9)]
    m: Mutex
    other: Mutex

g = G()
TRIES = choice(True, "whether it tries first")

@process
def adds() -> None:
    {takes}
    n = g.n
    g.n = n + 1
    mutex_unlock(g.m)

@setup
def begin() -> None:
    start(adds)
    start(adds)

@finally_
def all_counted() -> bool:
    return g.n >= 2
"""
TAKES = {
    "in two arms": """
    if g.n == 0:
        mutex_lock(g.m)
    else:
        mutex_lock(g.m)""",
    "where trying fails": """
    if TRIES:
        if not mutex_trylock(g.m):
            mutex_lock(g.m)
    else:
        mutex_lock(g.m)""",
    "as often as it takes": """
    while not mutex_trylock(g.m):
        pause()""",
    "and again": """
    mutex_lock(g.m)
    while g.n == 7:
        mutex_unlock(g.m)
        if g.n == 6:
            return
        mutex_lock(g.m)""",
    "inside of another": """
    mutex_lock(g.m)
    mutex_lock(g.other)
    mutex_unlock(g.other)""",
}


@pytest.mark.parametrize("way", TAKES)
def test_a_section_is_all_that_begins_it_and_all_that_ends_it(way: str) -> None:
    text = source(LOCKED.replace("    {takes}", TAKES[way].lstrip("\n")))
    told = [o for o in judge(text, NATIVE, 1).outcomes if o.mutator == "section"]
    first = next(o for o in told if "other" not in o.what)
    assert (first.verdict, first.told) == ("violated", "all_counted")
    assert [o.verdict for o in told if "other" in o.what] == ["holds"] * (
        way == "inside of another"
    )


def test_a_section_is_told_where_the_choices_have_it() -> None:
    takes = TAKES["where trying fails"].lstrip("\n")
    text = source(LOCKED.replace("    {takes}", takes))
    (mutant,) = mutants(text)
    assert mutant.source.text.count("mutex_") == 3  # those that are imported
    assert "if not True:" in mutant.source.text
    by_line = text.text.splitlines()
    for tries, what in ((True, "mutex_trylock(g.m)"), (False, "mutex_lock(g.m)")):
        (told,) = judge(text, replace(NATIVE, settings={"TRIES": tries}), 1).outcomes
        assert (told.verdict, told.what) == ("violated", what)
        assert what in by_line[told.line - 1]


RACING = LOCKED.replace("n = g.n\n    g.n = n + 1", "g.n = 2").replace("{takes}", "mutex_lock(g.m)")


@pytest.mark.parametrize("wanted", [{"races": True}, {"properties": ("data-race",)}])
def test_a_lock_that_keeps_accesses_from_racing_carries_load_where_races_are_asked_for(
    wanted: dict[str, Any],
) -> None:
    (told,) = judge(source(RACING), NATIVE, 1).outcomes
    assert told.verdict == "holds"
    (told,) = judge(source(RACING), replace(NATIVE, **wanted), 1).outcomes
    assert (told.verdict, told.told) == ("violated", "data-race")


def test_what_is_one_step_races_where_it_is_not_marked() -> None:
    text = RACING.replace("    mutex_lock(g.m)\n", "    with atomic():\n        g.n = 2\n")
    text = text.replace("    g.n = 2\n    mutex_unlock(g.m)\n", "")
    (told,) = judge(source(text), NATIVE, 1).outcomes
    assert (told.verdict, told.told) == (SAME, "as the spec")
    (told,) = judge(source(text), replace(NATIVE, races=True), 1).outcomes
    assert (told.verdict, told.told) == ("violated", "data-race")


@pytest.mark.parametrize("verb", ["mutate", "prevent", "sweep"])
def test_races_are_looked_for_by_all_that_verify_many_times(verb: str, tmp_path: Path) -> None:
    spec, kept = tmp_path / "spec.py", tmp_path / "kept"
    unlocked = RACING.replace("    mutex_lock(g.m)\n", "").replace("    mutex_unlock(g.m)\n", "")
    spec.write_text(source(RACING if verb == "mutate" else unlocked).text)
    more = {"mutate": ["--resume", str(kept)], "prevent": [], "sweep": ["-D", "TRIES=yes"]}[verb]
    for races in ([], ["--races"]):
        told = CliRunner().invoke(kmcheck, [verb, str(spec), *more, *races, "-j1"])
        assert ("data-race" in told.stdout) == bool(races), told.output


def test_what_is_saved_is_restored_by_the_end() -> None:
    words = "spin_lock_irqsave, spin_unlock_irqrestore"
    text = LOCKED.replace("Mutex", "SpinLock").replace("mutex import", "irq import")
    text = text.replace("SpinLock, mutex_lock, mutex_trylock, mutex_unlock", words)
    text = text.replace("class G", "from kmcheck.kernel.spinlock import SpinLock\n\nclass G")
    text = text.replace("{takes}", "flags = spin_lock_irqsave(g.m)")
    text = text.replace("mutex_unlock(g.m)", "spin_unlock_irqrestore(g.m, flags)")
    (told,) = judge(source(text), NATIVE, 1).outcomes
    assert (told.verdict, told.told) == ("violated", "all_counted")


def test_a_row_that_goes_on_below_is_indented() -> None:
    what = "g.what_was_stored_before_all_the_others = True"
    outcome = Outcome("order", f"{what}, then {what}", 1, "holds")
    result = verify(source(IDLE_LAW), NATIVE)
    rows = _text(Necessity(result, (outcome, outcome))).splitlines()
    assert max(map(len, rows)) <= 100
    assert [row[:8] for row in rows[3:]] == ["order: g", "  then g"] * 2


@pytest.mark.parametrize(
    ("held", "others", "wording"),
    [
        (0, 4, "all 4 end at another violation"),
        (0, 1, "the only one ends at another violation"),
        (1, 2, "the other 2 of 3 end at another violation"),
        (2, 1, "the other one of 3 ends at another violation"),
    ],
)
def test_it_is_told_of_how_many_mutants_nothing_is_known(
    held: int, others: int, wording: str
) -> None:
    outcome = Outcome("wait", "", 1, "violated", "assertion", 3)
    outcomes = [replace(outcome, held=OWN)] * held + [outcome] * others
    result = verify(source(IDLE_LAW), NATIVE)
    (told,) = _unbroken(Necessity(result, tuple(outcomes)))
    assert told.endswith(f": {wording}")


def test_two_things_that_are_the_same_are_verified_once() -> None:
    twice = SPEC.replace("    g.ready = True\n", "    fetch_add(g.n, 0)\n    g.ready = True\n")
    told = found(twice)
    assert any(verdict == SAME for verdict, _ in told.values())


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_mutants_of_each_spec_are_python_and_differ(spec: Path) -> None:
    given = read(str(spec))
    for mutant in mutants(given):
        ast.parse(mutant.source.text)
        assert mutant.source.text != given.text
        if mutant.mutator not in ("tryget", "rmw") and "kfree_rcu" not in mutant.what:
            assert mutant.source.text.count("\n") == given.text.count("\n")


def test_an_edit_counts_bytes_and_keeps_lines() -> None:
    text = "x = 'é'; f(1,\n  2)\ny = 3\n"
    change = Change("", 1, (Edit((1, 10), (2, 4), "pass"),))
    assert edited(text, change) == "x = 'é'; pass\n\ny = 3\n"


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    spec = str(ROOT / "specs" / "kmemcg" / "reparent_caches.py")
    ledger = str(tmp_path / "outcomes")
    told = run("mutate", spec, "--resume", ledger)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("kmemcg/reparent_caches: 2 of 4 mutants are violated\n")
    assert "redundant within these bounds" in told.stdout
    table = run("mutate", spec, "--resume", ledger, "--format", "markdown").stdout
    assert "| `wait: synchronize_rcu()` | 119 | use-after-free | 10 |" in table
    listed = json.loads(run("mutate", spec, "--resume", ledger, "--format", "json").stdout)
    assert (listed["violated"], listed["verified"]) == (2, 4)
    assert run("mutate", spec, "-D", "READ_LOCK=no").returncode == 2


def test_a_file_of_outcomes_that_cannot_be_written_is_no_bug_of_ours(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "no" / "outcomes.json", Outcome)
    with pytest.raises(UsageError, match="cannot write"):
        ledger.keep("key", Outcome("lock", "a lock", 1, "holds"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kmcheck", *arguments], capture_output=True, text=True, check=False
    )


def test_a_mutant_that_cannot_be_written_is_told() -> None:
    own = "def my_tryget() -> bool:\n    return not g.done\n\n@process\ndef reads"
    text = SPEC.replace("@process\ndef reads", own)
    text = text.replace("    g.ready = True\n", "    if my_tryget():\n        g.ready = True\n")
    told = {o.mutator: o for o in judge(source(text), NATIVE, 2).outcomes}
    assert told["tryget"].verdict == REFUSED
    assert "my_get" in told["tryget"].told


def test_what_is_known_is_never_half_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "known.json"
    ledger = Ledger(path, Counted)
    ledger.keep("one", Counted(1))

    def cut(self: Path, content: bytes) -> None:
        with self.open("wb") as file:
            file.write(content[:9])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", cut)
    with pytest.raises(KeyboardInterrupt):
        ledger.keep("two", Counted(2))
    assert Ledger(path, Counted).known == {"one": Counted(1)}
