"""The native engine says what the reference says: verdicts, counts, depths, runs, and the label."""

from __future__ import annotations

import errno
import mmap
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.native import growth, states
from kmcheck.engines.native.packing import Narrow
from kmcheck.engines.native.plan import plan
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.expected import Expectation
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Engine, Question
from kmcheck.semantics import BoundReached, Judge, Machine, State
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Finding
from tests.language import program, source
from tests.random_programs import built, on_random_programs
from tests.tables import ends

ROOT = Path(__file__).resolve().parent.parent
BATCHES = 25
EXAMPLES = 40
MOST = 2000
ENOUGH = 200


def search(
    engine: Engine,
    system: TransitionSystem,
    question: Question | None = None,
    budget: Budget | None = None,
) -> Finding:
    """Explore a system, and forget how often properties were asked for: only whether they were."""
    found = engine.search(
        system, question or Question(), Solver(), budget or Budget(), lambda _: None
    )
    judged = {name: min(1, times) for name, times in found.statistics.judged.items()}
    return replace(found, statistics=replace(found.statistics, judged=judged))


def of(text: str) -> TransitionSystem:
    return build(compile_spec(source(text)), Solver().holds)


@pytest.mark.parametrize("check", ends(), ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_every_spec_has_the_same_states_and_runs(check: Expectation) -> None:
    system = build(compile_spec(read(check.spec), check.settings), Solver().holds)
    assert search(NATIVE, system) == search(REFERENCE, system)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_programs_have_the_same_states_and_runs(batch: int) -> None:
    def agree(text: str) -> None:
        found = built(text)
        if found is None:
            return
        every = Question(every=True)
        reference = search(REFERENCE, found[0], every, Budget(states=MOST))
        if reference.stopped != f"{MOST:,} states reached":
            assert search(NATIVE, found[0], every) == reference

    on_random_programs(500 + batch, EXAMPLES, agree)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_state_that_is_packed_and_unpacked_is_the_same(batch: int) -> None:
    def same(text: str) -> None:
        found = built(text)
        if found is not None:
            sample = some_states(found[0])
            widths: dict[tuple[str, str, str], int] = {}
            while not _survive(found[0], sample, widths):
                pass

    on_random_programs(900 + batch, EXAMPLES // 4, same)


def some_states(system: TransitionSystem) -> list[State]:
    machine = Machine(system.layout, Solver().holds)
    states = list(dict.fromkeys(state for _, state in system.initial))
    known = set(states)
    for state in states:
        for actor in range(len(machine.actors) if len(states) < ENOUGH else 0):
            with suppress(BoundReached):
                for step in machine.steps_of(state, actor):
                    if step.state is not None and step.state not in known:
                        known.add(step.state)
                        states.append(step.state)
    return states


def _survive(
    system: TransitionSystem, states: list[State], widths: dict[tuple[str, str, str], int]
) -> bool:
    packing = plan(system.layout, [state for _, state in system.initial], widths)
    try:
        packed = [packing.pack(state) for state in states]
    except Narrow as narrow:
        widths[narrow.key] = widths.get(narrow.key, 0) + 1
        return False
    assert [packing.unpack(words) for words in packed] == states
    assert all(0 <= word < 1 << 64 for words in packed for word in words)
    assert len({tuple(words) for words in packed}) == len(states)
    return True


COUNT = "for _ in range({n}):\n    g.n = g.n {sign} {by}\n"


@pytest.mark.parametrize(("n", "sign", "by"), [(3, "+", 1), (3, "+", 100), (3, "-", 9000)])
def test_a_cell_that_is_too_narrow_is_widened(n: int, sign: str, by: int) -> None:
    system = of(program("n: int", COUNT.format(n=n, sign=sign, by=by), "g.n = 0"))
    assert search(NATIVE, system) == search(REFERENCE, system)


def test_values_that_take_no_bits_may_be_many() -> None:
    once = "for _ in range(1):\n    g.n = 1 - g.n\n"
    system = of(
        program("n: Annotated[int, range(2)]", once, begin="for _ in range(3):\n    start(p0)")
    )
    assert search(NATIVE, system) == search(REFERENCE, system)


def test_a_property_counts_as_asked_for_where_there_is_an_answer() -> None:
    never = "@always\ndef law() -> bool:\n    return g.next.n == 0\n"
    fields = 'next: Ref["G"]\nn: int'
    system = of(program(fields, "g.n = 1\n") + never)
    found = search(NATIVE, system, Question(every=True))
    assert found == search(REFERENCE, system, Question(every=True))
    assert found.statistics.judged == {"law": 0}


THREADED = [
    ("specs/classic/qrcu.py", {}),
    ("specs/kmemcg/reparent_caches.py", {}),
    ("specs/kmemcg/reparent_caches.py", {"READ_LOCK": False}),
    ("specs/kmemcg/reparent_caches.py", {"HIERARCHY": False}),
    ("benchmarks/models/reparent.py", {"F": 2, "P": 3}),
]


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize(("spec", "chosen"), THREADED)
def test_threads_find_what_one_alone_does(
    spec: str, chosen: dict[str, int | bool | str], threads: int, every: bool
) -> None:
    system = build(compile_spec(read(str(ROOT / spec)), chosen), Solver().holds)
    question = Question(every=every)
    together = NATIVE.search(system, question, Solver(), Budget(threads=threads), lambda _: None)
    assert together == NATIVE.search(system, question, Solver(), Budget(), lambda _: None)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("most_keys", [1 << 8, 1 << 12, 1 << 30])
@pytest.mark.parametrize("spec", ["benchmarks/models/reparent.py", "specs/classic/qrcu.py"])
def test_every_form_of_table_finds_the_same_states(
    spec: str, most_keys: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = build(compile_spec(read(str(ROOT / spec))), Solver().holds)
    expected = search(NATIVE, system)
    monkeypatch.setattr(growth, "FIRST", 1 << 6)
    monkeypatch.setattr(growth, "MOST_KEYS", most_keys)
    assert search(NATIVE, system, budget=Budget(threads=threads)) == expected


@pytest.mark.parametrize("threads", [1, 2])
def test_buffers_that_are_too_short_are_lengthened(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(ROOT / "specs" / "kmemcg" / "reparent_caches.py")
    system = build(compile_spec(read(path)), Solver().holds)
    expected = search(NATIVE, system)
    monkeypatch.setattr(states, "ALONE", (1024, 1))
    monkeypatch.setattr(states, "TOGETHER", (256, 1))
    assert search(NATIVE, system, budget=Budget(threads=threads)) == expected


def test_threads_find_what_one_alone_does_in_random_programs() -> None:
    def agree(text: str) -> None:
        found = built(text)
        if found is not None:
            every, budget = Question(every=True), Budget(states=MOST)
            alone = search(NATIVE, found[0], every, budget)
            assert search(NATIVE, found[0], every, replace(budget, threads=2)) == alone

    on_random_programs(700, EXAMPLES, agree)


def test_a_constant_may_be_wide() -> None:
    system = of(program("n: int\nm: bool", "g.m = g.n > 3", begin="g.n = 1000"))
    assert search(NATIVE, system) == search(REFERENCE, system)


def test_a_table_that_there_is_no_memory_for_ends_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    real = mmap.mmap

    def given(fileno: int, size: int, flags: int) -> mmap.mmap:
        if size == 8 << 18:
            raise OSError(errno.ENOMEM, "")
        return real(fileno, size, flags=flags)

    path = str(ROOT / "benchmarks" / "models" / "reparent.py")
    system = build(compile_spec(read(path), {"F": 3, "P": 4, "K": 2}), Solver().holds)
    monkeypatch.setattr(mmap, "mmap", given)
    found = search(NATIVE, system)
    assert (found.stopped, found.cut, found.complete) == ("out of memory", "budget", False)
    assert found.statistics.states > growth.FIRST // 2


def test_a_search_takes_as_much_room_as_the_system_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    class Region:
        def __init__(self, size: int) -> None:
            if sum(taken) + size > 1 << 30:
                raise MemoryError
            self.size = size
            taken.append(size)

        def close(self) -> None:
            taken.remove(self.size)

    monkeypatch.setattr(states, "Region", Region)
    room = object.__new__(states.States)
    room.words, room.most, room.folder, room.compact = 1, states.MOST_STATES, None, False
    room._reserve()
    assert room.most == 1 << 25


def test_too_many_choices_in_one_step_end_a_search() -> None:
    many = 'with atomic("all at once"):\n    for i in range(70):\n        g.n = choose(i, 0)'
    found = search(NATIVE, of(program("n: int", many)))
    assert not found.complete
    assert found.stopped == "more than 64 choices in one step: take --engine reference"


def test_what_python_cannot_answer_ends_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaked(judge: Judge, state: State) -> None:
        raise MemoryError

    page = "class Page(Object, limit=1):\n    n: bool\n"
    system = of(program('p: Ref["Page"]', "g.p = Page()", more=page))
    monkeypatch.setattr(Judge, "leaked", leaked)
    assert search(NATIVE, system).stopped == "out of memory"


def test_a_search_ends_where_the_budget_does() -> None:
    system = of(program("n: int", "while True:\n    g.n = (g.n + 1) % 30000"))
    assert search(NATIVE, system, budget=Budget(depth=7)) == search(
        REFERENCE, system, budget=Budget(depth=7)
    )
    assert search(NATIVE, system, budget=Budget(states=50)).stopped == "50 states reached"
    assert search(NATIVE, system, budget=Budget(seconds=0)).stopped == "0 seconds are over"


@pytest.mark.parametrize("threads", [1, 2])
def test_a_table_that_is_full_grows_and_optimised_code_goes_on(threads: int) -> None:
    path = str(ROOT / "specs" / "classic" / "qrcu.py")
    system = build(compile_spec(read(path), {"UPDATERS": 2, "READERS": 3}), Solver().holds)
    found = search(NATIVE, system, budget=Budget(threads=threads))
    assert found.complete
    seen = found.statistics
    assert (seen.states, seen.transitions, seen.depth) == (2_933_615, 10_533_211, 55)


@pytest.mark.parametrize("choice", ["READ_LOCK=yes", "READ_LOCK=no", "HIERARCHY=no"])
def test_a_user_reads_the_same_but_for_the_engine(choice: str) -> None:
    told = {}
    for engine in ("reference", "native"):
        spec = ["specs/kmemcg/reparent_caches.py", "-D", choice]
        command = [sys.executable, "-m", "kmcheck", "verify", *spec, "--no-counterexamples"]
        done = subprocess.run(
            [*command, "--engine", engine], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert not done.stderr
        lines = done.stdout.splitlines()
        assert f"  engine       {engine}, exact" in lines
        again = next(n for n, line in enumerate(lines) if line.startswith("  again"))
        assert ("--engine reference" in done.stdout) == (engine == "reference")
        kept = lines[:again]
        told[engine] = [line for line in kept if not line.startswith(("  engine", "  sizes"))]
    assert told["native"] == told["reference"]


@pytest.mark.parametrize(
    ("bounds", "states", "transitions"),
    [((2, 3, 2), 10_544, 27_095), ((3, 4, 2), 339_203, 1_182_143)],
)
def test_the_seed_design_has_the_counts_of_the_peers(
    bounds: tuple[int, int, int], states: int, transitions: int
) -> None:
    path = str(ROOT / "benchmarks" / "models" / "reparent.py")
    wanted = dict(zip("FPK", bounds, strict=True))
    found = search(NATIVE, build(compile_spec(read(path), wanted), Solver().holds))
    assert found.complete
    assert (found.statistics.states, found.statistics.transitions) == (states, transitions)
