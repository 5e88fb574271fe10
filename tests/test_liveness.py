"""Runs that never end: known answers, what each word means, and that both engines say the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kmcheck.diagnostics import InternalError, UsageError
from kmcheck.driver import Options
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.protocols import Engine, Question
from kmcheck.replay import replay
from kmcheck.solver import Solver
from kmcheck.telling import Telling, Unlike
from kmcheck.verdict import ALL, Budget, Claim, Finding, Holds, Result, Unknown, Violated, Witness
from tests import random_programs
from tests.endless import AGAIN, BLINK, FLAGS, NEVER, PRESSURE, SPIN, WAIT, endless
from tests.language import explore, program, source, system, verdict
from tests.random_programs import on_random_programs

ENGINES = ("reference", "native")

WAITS = "def waits(p: Process) -> bool:\n    return inside(p, acquire)\n\n"
GETS_IN = (
    WAITS + "@leads_to(waits)\ndef gets_in(p: Process) -> bool:\n    return inside(p, critical)\n"
)
CRITICAL = 'def critical() -> None:\n    pause("works")\n'

TEST_AND_SET = """
class Lock(Object):
    taken: bool

lock = Lock()

def acquire() -> None:
    while test_and_set(lock.taken):
        pass

def release() -> None:
    lock.taken = False
"""

TICKET = """
class Lock(Object):
    next: Annotated[int, range(2)]
    owner: Annotated[int, range(2)]

lock = Lock()

def acquire() -> None:
    with atomic("xadd"):
        ticket = lock.next
        lock.next = 1 - lock.next
    while lock.owner != ticket:
        pass

def release() -> None:
    with atomic("only the owner writes"):
        lock.owner = 1 - lock.owner
"""

FOR_EVER = """
@process(daemon=True)
def worker() -> None:
    while True:
        acquire()
        critical()
        release()

@setup
def two() -> None:
    start(worker)
    start(worker)

"""

PETERSON = """
class Cpu(Object):
    wants: bool

class Lock(Object):
    turn: Ref[Cpu]

lock = Lock()

def acquire(this: Cpu, other: Cpu) -> None:
    this.wants = True
    lock.turn = other
    while other.wants and lock.turn == other:
        pass

def critical() -> None:
    pause("works")

@process(daemon=True)
def worker(this: Cpu, other: Cpu) -> None:
    while True:
        acquire(this, other)
        critical()
        this.wants = False

@setup
def two() -> None:
    left = Cpu()
    right = Cpu()
    start(worker, left, right)
    start(worker, right, left)

"""


def philosophers(fair: str, *, ordered: bool) -> str:
    last = "second, first" if ordered else "first, second"
    return f"""
class Fork(Object):
    taken: bool

def acquire(fork: Fork) -> None:
    with atomic("take"):
        wait_until(not fork.taken)
        fork.taken = True

def critical() -> None:
    pause("eats")

@process(daemon=True, fair="{fair}")
def philosopher(left: Fork, right: Fork) -> None:
    while True:
        acquire(left)
        acquire(right)
        critical()
        right.taken = False
        left.taken = False

@setup
def table() -> None:
    first = Fork()
    second = Fork()
    third = Fork()
    start(philosopher, first, third)
    start(philosopher, second, third)
    start(philosopher, {last})

"""


def answer(text: str, engine: str = "native", *, endless: bool = False) -> str:
    return verdict(text, Options(engine=engine, endless=endless))


# --- known answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PETERSON + GETS_IN, "holds"),
        (TICKET + CRITICAL + FOR_EVER + GETS_IN, "holds"),
        (TEST_AND_SET + CRITICAL + FOR_EVER + GETS_IN, "gets_in"),
        (philosophers("weak", ordered=False) + GETS_IN, "gets_in"),
        (philosophers("weak", ordered=True) + GETS_IN, "gets_in"),
        (philosophers("strong", ordered=True) + GETS_IN, "holds"),
    ],
    ids=["peterson", "ticket", "test_and_set", "ring", "order", "strong"],
)
def test_locks_are_as_fair_as_the_books_say(text: str, found: str, engine: str) -> None:
    # the ring of forks deadlocks: a run that rests for ever, in which nobody gets in
    options = Options(engine=engine, properties=("gets_in",))
    assert verdict(text, options) == found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (endless(FLAGS, SPIN, "g.flag = True"), "holds"),
        (endless(FLAGS, SPIN), "livelock"),
        (endless(FLAGS, WAIT, daemon="g.other = not g.other"), "starvation"),
        (endless(FLAGS, WAIT, daemon=BLINK), "starvation"),
        (endless(FLAGS, WAIT, more=PRESSURE.format("")), "starvation"),
        (endless(FLAGS, WAIT, more=PRESSURE.format('(fair="weak")')), "holds"),
        (endless(FLAGS, WAIT), "deadlock"),
        (endless(FLAGS, "pass", daemon="g.other = not g.other"), "holds"),
    ],
)
def test_who_never_ends_is_told(text: str, found: str, engine: str) -> None:
    assert answer(text, engine, endless=True) == found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("fair", "found"), [("weak", "starvation"), ("strong", "holds"), ("none", "starvation")]
)
def test_fairness_is_as_declared(fair: str, found: str, engine: str) -> None:
    text = endless(FLAGS, WAIT, daemon=BLINK).replace("@process\n", f'@process(fair="{fair}")\n')
    assert answer(text, engine, endless=True) == found


def test_who_may_stop_anywhere_need_not_end() -> None:
    text = endless(FLAGS, "g.flag = True", more=NEVER).replace("@process", '@process(fair="none")')
    assert answer(text) == "comes"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (endless(FLAGS, "g.flag = True\ng.flag = False", more=NEVER), "holds"),
        (endless(FLAGS, "g.other = True", more=NEVER), "comes"),
        (endless(FLAGS, "g.other = True", more=NEVER, begin="g.flag = True"), "holds"),
        (endless(FLAGS, "g.flag = True\ng.flag = False", more=AGAIN), "comes"),
        (endless(FLAGS, "g.flag = True", more=AGAIN), "holds"),
        (endless(FLAGS, daemon=BLINK, more=AGAIN), "holds"),
        (
            endless(FLAGS, daemon="if may_fail():\n    g.flag = True\ng.other = True", more=NEVER),
            "comes",
        ),
    ],
)
def test_what_comes_is_asked_of_every_run(text: str, found: str, engine: str) -> None:
    assert answer(text, engine) == found


PAGE = "class Page(Object, limit=2):\n    clean: bool\n\n"
CLEANED = "@eventually\ndef cleaned(page: Page) -> bool:\n    return page.clean\n\n"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("a = Page()\ng.page = a\na.clean = True", "holds"),
        ("a = Page()\ng.page = a", "cleaned"),
        ("a = Page()\nfree(a)", "holds"),  # what is gone is owed nothing
        ("a = Page()\na.clean = True\na.clean = False\ng.page = a", "holds"),
        ("a = Page()\na.clean = True\nfree(a)\nb = Page()\ng.page = b", "cleaned"),
        ("a = Page()\ng.page = a\na.clean = True\nb = Page()\nb.clean = True\nfree(b)", "holds"),
    ],
)
def test_an_object_is_owed_something_from_its_birth_to_its_end(
    body: str, found: str, engine: str
) -> None:
    text = program('page: Ref["Page"]', body, more=PAGE + CLEANED)
    assert answer(text, engine) == found


ASKED = (
    "def asked() -> bool:\n    return g.other\n\n"
    "@leads_to(asked)\ndef answered() -> bool:\n    return g.flag\n"
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("bodies", "found"),
    [
        (("g.other = True\ng.flag = True",), "holds"),
        (("g.other = True\ng.other = False",), "answered"),
        (("g.flag = True\ng.flag = False\ng.other = True",), "answered"),
        (("with atomic():\n    g.other = True\n    g.flag = True",), "holds"),
        (("g.flag = True",), "holds"),
    ],
)
def test_one_thing_leads_to_another_each_time(
    bodies: tuple[str, ...], found: str, engine: str
) -> None:
    assert answer(endless(FLAGS, *bodies, more=ASKED), engine) == found


def test_what_was_never_asked_is_vacuous() -> None:
    result = explore(endless(FLAGS, "g.flag = True", more=ASKED))
    assert result.label.statistics.judged["answered"] == 0


# --- engines -------------------------------------------------------------------------------------


def search(engine: Engine, text: str, budget: Budget | None = None) -> Finding:
    whole, solver = system(text)
    question = Question(every=True, endless=True)
    found = engine.search(whole, question, solver, budget or Budget(), lambda _: None)
    judged = {name: min(1, times) for name, times in found.statistics.judged.items()}
    return replace(found, statistics=replace(found.statistics, judged=judged))


@pytest.mark.parametrize("batch", range(2))
def test_random_programs_have_the_same_runs(batch: int) -> None:
    seen: set[str] = set()

    def agree(text: str) -> None:
        asked = random_programs.about_runs(text)
        found = random_programs.built(asked)
        if found is None:
            return
        reference = search(REFERENCE, asked, Budget(states=1500))
        if reference.cut == "budget":
            return
        assert search(NATIVE, asked) == reference
        for claim in reference.claims:
            seen.add(claim.violation if claim.witness.loop is not None else "")
            trace = replay(found[0], claim, (), Solver())
            assert trace.loop_at == claim.witness.loop

    on_random_programs(4100 + batch, 25, agree)
    assert seen - {""}


def test_two_threads_find_the_same() -> None:
    text = philosophers("weak", ordered=True) + GETS_IN
    assert search(NATIVE, text, Budget(threads=2)) == search(NATIVE, text)


def test_what_is_not_in_memory_is_not_decided() -> None:
    with pytest.raises(UsageError, match="never end"):
        search(NATIVE, endless(FLAGS, SPIN), Budget(compact=True))
    options = Options(engine="native", budget=Budget(bytes=1), endless=True)
    assert isinstance(explore(endless(FLAGS, SPIN), options).verdicts[-1], Unknown)


def test_behind_what_is_not_followed_nothing_is_said() -> None:
    text = endless(FLAGS, SPIN, "assert g.flag")
    for engine in (REFERENCE, NATIVE):
        found = search(engine, text)
        assert [claim.violation for claim in found.claims] == ["assertion"]
        assert not found.complete


def test_a_property_that_cannot_be_evaluated_is_told() -> None:
    fails = "@eventually\ndef comes() -> bool:\n    return g.page.clean\n"
    text = program('page: Ref["Page"]', "pause()", more=PAGE + fails)
    for engine in (REFERENCE, NATIVE):
        found = search(engine, text)
        assert [claim.violation for claim in found.claims] == ["null-deref"]
        assert found.undefined == (("comes", "null-deref"),)
        for without in (ALL, frozenset[str]()):
            result = explore(text, Options(engine=engine.name, without=without))
            assert list(violated(result)) == ["null-deref"]


# --- what is shown -------------------------------------------------------------------------------


def violated(result: Result) -> dict[str, Violated]:
    return {v.property: v for v in result.verdicts if isinstance(v, Violated)}


def test_only_the_first_violation_is_shown_unless_all_are_wanted() -> None:
    text = endless(FLAGS, SPIN, more=NEVER)
    first = explore(text)
    assert list(violated(first)) == ["livelock"]
    left = {v.property for v in first.verdicts if isinstance(v, Unknown)}
    assert left == {"comes", "starvation"}
    assert any(v.property == "deadlock" and isinstance(v, Holds) for v in first.verdicts)
    assert set(violated(explore(text, Options(every=True)))) == {"comes", "livelock"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: replace(w, loop=0), "does not come back"),
        (lambda w: replace(w, loop=99), "does not come back"),
        (lambda w: replace(w, steps=(), loop=0), "leaves out"),
    ],
)
def test_a_run_that_is_none_is_refused(change: Callable[[Witness], Witness], message: str) -> None:
    whole, solver = system(endless(FLAGS, f"g.other = True\n{SPIN}"))
    found = REFERENCE.search(whole, Question(endless=True), solver, Budget(), lambda _: None)
    claim = found.claims[0]
    replay(whole, claim, (), solver)
    with pytest.raises(InternalError, match=message):
        replay(whole, Claim(claim.violation, change(claim.witness)), (), solver)


def test_a_run_on_which_it_comes_is_refused() -> None:
    whole, solver = system(endless(FLAGS, daemon=BLINK, more=AGAIN))
    found = REFERENCE.search(whole, Question(endless=True), solver, Budget(), lambda _: None)
    assert not found.claims
    round_ = tuple((0, ()) for _ in range(2))
    with pytest.raises(InternalError, match="does not"):
        replay(whole, Claim("comes", Witness(0, round_, 0)), (), solver)


def test_reductions_that_lose_runs_are_left_out_and_named(tmp_path: Path) -> None:
    spec = tmp_path / "spec.py"
    spec.write_text(source(philosophers("weak", ordered=True) + GETS_IN).text, "utf-8")
    code, output = run("verify", str(spec), "--no-counterexamples")
    assert code == 1
    assert "not where runs that never end are asked for" in " ".join(output.split())
    assert "again and again" in output
    assert "fairness" not in run("verify", str(spec), "-p", "deadlock")[1]
    assert run("verify", str(spec), "--expected", "--liveness")[0] == 2


def test_a_run_that_only_a_reduced_system_has_is_no_verdict() -> None:
    whole, solver = system(endless(FLAGS, daemon=BLINK, more=AGAIN))
    question = Question(endless=True)
    telling = Telling(whole, REFERENCE, question, Budget(), solver, (), readable=True)
    found = REFERENCE.search(whole, question, solver, Budget(), lambda _: None)
    assert found.complete
    assert not found.claims
    invented = Claim("livelock", Witness(0, ((0, ()), (0, ())), 0))
    with pytest.raises(Unlike):
        telling.shown(replace(whole), replace(found, claims=(invented,)), lambda _: None)
    with pytest.raises(InternalError, match="violates livelock, and the whole one does not"):
        telling.whole(replace(found, claims=(invented,)), lambda _: None)
    assert telling.whole(found, lambda _: None).complete


@pytest.mark.parametrize("engine", ENGINES)
def test_runs_are_let_be_where_only_something_else_is_asked_for_by_name(engine: str) -> None:
    options = Options(engine=engine, endless=True, properties=("deadlock",))
    assert verdict(endless(FLAGS, SPIN), options) == "holds"


def test_a_stored_run_that_never_ends_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.py").write_text(source(endless(FLAGS, SPIN)).text, "utf-8")
    code, output = run("verify", "spec.py", "--liveness")
    assert code == 1
    command = next(line for line in output.splitlines() if "replay:" in line).split()[2:]
    code, output = run(*command)
    assert code == 0, output
    assert "livelock" in output


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "kmcheck", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout
