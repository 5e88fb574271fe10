"""A search that remembers fingerprints finds what an exact one finds, and says how sure it is."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from llvmlite import ir

from kmcheck.diagnostics import InternalError, UsageError
from kmcheck.driver import Options, reduce, verify
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.native import (
    expanding,
    fingerprints,
    growth,
    recent,
    rounds,
    runs,
    states,
    table,
)
from kmcheck.engines.native import search as native
from kmcheck.engines.native.code import Code, outer
from kmcheck.engines.native.compiled import _compile
from kmcheck.engines.native.emit import I64, WORDS, i64
from kmcheck.engines.native.plan import plan
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.expected import Expectation
from kmcheck.formats.text import headline
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Question
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Checkpoints, Finding, Holds, Result, Unknown, Violated
from tests.language import program
from tests.native_mutants import Mutant
from tests.random_programs import built, on_random_programs
from tests.symmetric import reduced_of
from tests.tables import ends
from tests.test_native import of, search

ROOT = Path(__file__).resolve().parent.parent
REPARENT = str(ROOT / "benchmarks" / "models" / "reparent.py")
CACHES = str(ROOT / "specs" / "kmemcg" / "reparent_caches.py")
CHECKS = ends()
EVERY = Question(every=True)
MOST = 3000
EXAMPLES = 15


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tables begin small and be copied piece by piece; what is let go is overwritten."""
    monkeypatch.setattr(growth, "FIRST", 64)
    monkeypatch.setattr(native, "CHUNK", 16)
    monkeypatch.setattr(states, "PIECE", 24)
    for module in (recent, states):
        monkeypatch.setattr(module, "REMEMBERED", 1)
    let_go = states.States.let_go

    def overwritten(self: states.States, count: int) -> None:
        let_go(self, count)
        ctypes.memset(self.arena.address, 0x5A, 8 * self.words * count)

    monkeypatch.setattr(states.States, "let_go", overwritten)


def compact(system: TransitionSystem, threads: int = 1, states: int | None = None) -> Finding:
    return search(NATIVE, system, EVERY, Budget(states, threads=threads, compact=True))


def exact(system: TransitionSystem) -> Finding:
    return search(NATIVE, system, EVERY)


def plain(finding: Finding) -> Finding:
    """Return a finding without how sure it is."""
    assert finding.omission is not None
    return replace(finding, omission=None)


def spec(path: str, **chosen: int | bool | str) -> TransitionSystem:
    return build(compile_spec(read(path), dict(chosen)), Solver().holds)


# --- the same states and runs ------------------------------------------------------------------


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("check", CHECKS[::14], ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_every_spec_has_the_same_states_and_runs(check: Expectation) -> None:
    system = build(compile_spec(read(check.spec), check.settings), Solver().holds)
    found = compact(system, 1 + len(check.spec) % 2)
    assert plain(found) == exact(system)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_search_up_to_symmetry_has_the_same_states_and_runs(threads: int) -> None:
    system = reduced_of(spec(CACHES, READ_LOCK=False, FREERS=3))
    assert system.symmetry is not None
    found = compact(system, threads)
    assert plain(found) == exact(system)
    assert found.claims


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("check", CHECKS[5::14], ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_every_reduced_spec_has_the_same_states_and_runs(check: Expectation) -> None:
    whole = build(compile_spec(read(check.spec), check.settings), Solver().holds)
    system, _ = reduce(whole, EVERY, ())
    assert system.stubborn is not None
    assert plain(compact(system, 1 + len(check.spec) % 2)) == exact(system)


@pytest.mark.usefixtures("small")
def test_random_programs_have_the_same_states_and_runs() -> None:
    claimed = 0

    def agree(text: str) -> None:
        nonlocal claimed
        found = built(text)
        if found is None:
            return
        system = reduce(found[0], EVERY, ())[0] if len(text) % 4 < 2 else found[0]
        whole = search(NATIVE, system, EVERY, Budget(states=MOST))
        if whole.stopped != f"{MOST:,} states reached":
            assert plain(compact(system, 1 + len(text) % 2)) == whole
            claimed += any(claim.witness.steps for claim in whole.claims)

    on_random_programs(41, EXAMPLES, agree)
    assert claimed > 2


CYCLES = program(
    "n: int\nm: int", *[f"while True:\n    g.{name} = (g.{name} + 1) % 23" for name in "nm"]
)
"""Every state is come to again."""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_tables_are_made_anew_from_tables(threads: int) -> None:
    for system in (spec(REPARENT), of(CYCLES)):
        found = compact(system, threads)
        assert plain(found) == exact(system)
        assert found.statistics.states > 8 * growth.FIRST


BEYOND = """
    class Box(Object, limit=1):
        n: Annotated[int, range(9)]

    class World(Object):
        box: Ref[Box]
        n: Annotated[int, range(9)]

    world = World()

    @process
    def maker() -> None:
        for _ in range(2):
            world.box = Box()

    @process
    def counter() -> None:
        for _ in range(4):
            world.n = world.n + 1
        assert world.n != 4

    @setup
    def begin() -> None:
        start(maker)
        start(counter)
"""
"""Where the pool is empty the counter still goes on: its steps come behind one that is none."""


@pytest.mark.usefixtures("small")
def test_a_step_beyond_a_bound_is_not_counted() -> None:
    system = of(BEYOND)
    found = compact(system)
    assert found.statistics.bound_reached
    assert found.claims
    assert plain(found) == exact(system)


# --- how sure it is ----------------------------------------------------------------------------


def cut_to(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fingerprints have few bits."""
    mask = (1 << bits) - 1
    monkeypatch.setattr(table.Table, "cut", lambda _, b, value: b.and_(value, i64(mask)))
    monkeypatch.setattr(fingerprints, "BITS", bits)


def verified(path: str) -> Result:
    """Verify a spec with fingerprints."""
    return verify(read(path), Options(engine="native", budget=Budget(compact=True), every=True))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("bits", [4, 7, 9])
def test_nothing_is_said_to_hold_where_states_are_surely_missed(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = exact(spec(CACHES)).statistics.states
    cut_to(bits, monkeypatch)
    result = verified(CACHES)
    assert result.label.statistics.states < whole
    assert all(isinstance(v, Unknown) for v in result.verdicts)
    assert f"fingerprints of {bits} bits" in headline(result)
    assert result.label.omission is not None
    assert result.label.omission >= 0.5


def test_the_bound_is_no_less_than_how_often_states_are_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 12 searches, each with other fingerprints, as many miss a state as the bound lets."""
    monkeypatch.setattr(growth, "FIRST", 1 << 12)
    system = spec(CACHES)
    whole, missing, expected = exact(system).statistics.states, 0, 0.0
    for shift in range(0, 36, 3):
        mask = ((1 << 18) - 1) << shift
        monkeypatch.setattr(table.Table, "cut", lambda _, b, value, m=mask: b.and_(value, i64(m)))
        monkeypatch.setattr(fingerprints, "BITS", 18)
        found = compact(system)
        assert found.omission is not None
        expected += found.omission
        missing += found.statistics.states < whole
    assert expected > 4
    assert 0 < missing < expected + 4 * expected**0.5


def test_a_violation_is_a_real_one_where_states_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_to(8, monkeypatch)
    found = compact(spec(CACHES, READ_LOCK=False))
    assert found.statistics.states < 225
    options = Options({"READ_LOCK": False}, engine="native", budget=Budget(compact=True))
    result = verify(read(CACHES), options)
    violated = [v for v in result.verdicts if isinstance(v, Violated)]
    assert all(not v.shortest for v in violated)


def test_a_word_with_a_bit_to_spare_is_its_own_fingerprint() -> None:
    result = verified(REPARENT)
    assert result.label.omission == 0
    assert result.label.exact
    assert headline(result) == "models/reparent: HOLDS"
    assert all(v == Holds(v.property) for v in result.verdicts)


def test_how_likely_it_is_that_a_state_was_missed() -> None:
    system = spec(CACHES)
    packing = plan(system.layout, [state for _, state in system.initial], {})
    assert packing.words > 1
    assert fingerprints.omission(packing, 0) == 0
    assert fingerprints.omission(packing, 1 << 20) == pytest.approx(2.0**-25)
    assert fingerprints.omission(packing, 1 << 40) == 1


# --- how good fingerprints are -----------------------------------------------------------------


class Hash:
    """The fingerprints of states of some words."""

    def __init__(self, words: int) -> None:
        module = ir.Module("hash")
        written = table.Table(module, words, "fingerprint", 1)
        function = outer(module, "all", ir.VoidType(), [WORDS, I64])
        places, found, count = function.args
        code = Code(function, places)
        with code.times(count) as at:
            place = code.builder.gep(places, [code.builder.mul(at, i64(words))])
            hashed = code.builder.call(written.hash, [place])
            code.builder.store(hashed, code.builder.gep(found, [at]))
        code.builder.ret_void()
        self.words = words
        self.engine = _compile(str(module), 2)
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        self.all = kind(self.engine.get_function_address("all"))

    def of(self, words: list[int]) -> list[int]:
        """Return the fingerprints of states that lie one behind the other."""
        count = len(words) // self.words
        places, found = (ctypes.c_uint64 * len(words))(*words), (ctypes.c_uint64 * count)()
        self.all(ctypes.addressof(places), ctypes.addressof(found), count)
        return list(found)


COUNT = 1 << 18
STATES: dict[str, tuple[int, Callable[[int], list[int]]]] = {
    "one word counts": (1, lambda n: [n]),
    "the last word counts": (4, lambda n: [7, 0, 0, n]),
    "two words count": (2, lambda n: [n & 511, n >> 9]),
    "high bits count": (3, lambda n: [(n & 511) << 55, 1 << 63, (n >> 9) << 50]),
    "words are alike": (4, lambda n: [n, n, n, n]),
    "few bits are set": (3, lambda n: [1 << (n & 63), 1 << (n >> 6 & 63), 1 << (n >> 12)]),
    "words change places": (2, lambda n: [n & 511, n >> 9] if n & 1 else [n >> 9, 1 + (n & 511)]),
}


@pytest.mark.parametrize("kind", STATES)
def test_fingerprints_are_as_good_as_random(kind: str) -> None:
    """Of 2^18 states, windows of 32 bits have 8 collisions by chance; the whole has none."""
    words, state = STATES[kind]
    different = {tuple(state(n)) for n in range(COUNT)}
    found = Hash(words).of([word for given in different for word in given])
    assert len(set(found)) == len(different)
    expected = len(different) ** 2 / 2**33
    for shift in (0, 16, 32):
        window = {value >> shift & 0xFFFFFFFF for value in found}
        collisions = len(different) - len(window)
        assert abs(collisions - expected) < 1 + 6 * expected**0.5


def test_no_fingerprint_is_an_empty_place() -> None:
    assert Hash(1).of([0, (1 << 64) - 1, 1]).count(1) == 1
    assert Hash(1).of([(1 << 64) - 1]) == [1]


# --- what cannot be ----------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_more_steps_than_can_be_told_apart_end_the_search(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = of(program("n: int", *["g.n = g.n + 1"] * 4))
    monkeypatch.setattr(expanding, "WAY_BITS", 3)
    assert compact(system, threads).complete
    monkeypatch.setattr(expanding, "WAY_BITS", 2)
    found = compact(system, threads)
    assert found.stopped is not None
    assert "steps or more" in found.stopped
    assert found.cut == "budget"


@pytest.mark.parametrize(
    "budget",
    [
        {"spill": "."},
        {"checkpoints": Checkpoints(keep="kept")},
        {"checkpoints": Checkpoints(resume="kept")},
    ],
)
def test_fingerprints_do_not_go_to_disk(budget: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="does not go with"):
        search(NATIVE, spec(REPARENT), EVERY, Budget(compact=True, **budget))  # type: ignore[arg-type]


def test_the_reference_engine_has_no_fingerprints() -> None:
    with pytest.raises(UsageError, match="whole states"):
        search(REFERENCE, spec(REPARENT), EVERY, Budget(compact=True))


def test_what_multiplies_states_is_told_of_those_that_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = compact(spec(CACHES), states=500)
    assert found.stopped == "500 states reached"
    many = found.statistics.multiplied
    assert many.by
    assert 0 < many.sample < found.statistics.states


FAULTS = [
    (rounds.Rounds, "_keep", "b.trunc(when, I16)", "b.trunc(number, I16)"),
    (expanding.Expanding, "_failed", "b.zext(fault, I64)))", "i64(1)))"),
    (table.Table, "_write_rehash_from_table", "b.store(hashed, ", "b.store(b.not_(hashed), "),
    (table.Table, "_write_rehash_from_table", ", first)) as at", ", b.add(first, i64(1)))) as at"),
    (table.Table, "_write_fingerprint", "b.xor(value, word)", "word"),
    (runs.Runs, "_explored", "self.steps(state, going)", "self.steps(state)"),
    (native.Exploration, "_levels", "let_go(self.end)", 'let_go(states["states"])'),
]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("owner", "name", "old", "new"), FAULTS, ids=[f[3] for f in FAULTS])
def test_a_fault_is_noticed(
    owner: type, name: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    systems = [of(BEYOND), spec(CACHES, READ_LOCK=False), of(CYCLES)]
    systems.append(reduce(spec(CACHES, READ_LOCK=False), EVERY, ())[0])
    wholes = [exact(system) for system in systems]
    monkeypatch.setattr(owner, name, getattr(owner, name))
    file = owner.__module__.rpartition(".")[2]
    Mutant("", f"{file}.{owner.__name__}.{name}", old, new, "").put()
    for system, whole in zip(systems, wholes, strict=True):
        try:
            found = compact(system, states=4 * whole.statistics.states)
        except (AssertionError, InternalError):
            return
        if plain(found) != whole:
            return
    pytest.fail("nothing shows")


# --- what is printed ---------------------------------------------------------------------------


def kmcheck(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kmcheck", "verify", "--no-counterexamples", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


LABEL = """\
kmemcg/reparent_caches: HOLDS up to hash omission (p <= 4.1e-14)

  checked      charged_where_it_belongs, caches_are_listed_by_their_owner,
                 child_is_freed; 15 built-in properties
  bounds       CACHES=1 FREERS=2
  choices      READ_LOCK=yes GRACE_PERIOD=yes HIERARCHY=yes LISTED=yes
  memory       sequential consistency
  engine       native, not exact
  reductions   none
  omission     p <= 4.1e-14 that a state was missed (64-bit fingerprints)
"""


def test_the_label_says_how_sure_it_is() -> None:
    done = kmcheck("specs/kmemcg/reparent_caches.py", "--no-reduce", "all", "--hash-compact")
    assert done.returncode == 0
    assert done.stdout.startswith(LABEL)
    assert done.stdout.replace("\\\n", "").split()[-1] == "--hash-compact"


def test_the_document_says_how_sure_it_is() -> None:
    flags = ["--no-reduce", "all", "--hash-compact", "--format", "json"]
    done = kmcheck("specs/kmemcg/reparent_caches.py", *flags)
    document = json.loads(done.stdout)
    schema = json.loads((ROOT / "docs" / "verify.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    (label,) = document["label"]
    assert label["exact"] is False
    assert {result["omission"] for result in document["results"]} == {label["omission"]}
    assert 0 < label["omission"] < 1e-13


def test_tables_of_verdicts_are_exact() -> None:
    done = kmcheck("specs/classic/qrcu.py", "--no-reduce", "all", "--hash-compact", "--expected")
    assert done.returncode == 2
    assert "--expected" in done.stderr


def test_an_audit_compares_with_whole_states() -> None:
    flags = ["--no-reduce", "all", "--hash-compact", "--audit"]
    done = kmcheck("specs/kmemcg/reparent_caches.py", *flags)
    assert done.returncode == 0
    assert "audited against the reference engine" in done.stdout
