"""A search that goes on on disk finds what one in memory finds: counts, depths, runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from kmcheck.claims import Stop
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.native import growth, housing, sifting
from kmcheck.engines.native import search as native
from kmcheck.engines.native.growth import Size
from kmcheck.expected import Expectation
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Question
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Checkpoints, Finding
from tests.language import program
from tests.native_mutants import Mutant
from tests.random_programs import built, on_random_programs
from tests.symmetric import reduced_of
from tests.tables import ends
from tests.test_native import of, search

ROOT = Path(__file__).resolve().parent.parent
REPARENT = ROOT / "benchmarks" / "models" / "reparent.py"
CHECKS = ends()
EVERY = Question(every=True)
PLENTY = 1 << 40
MOST = 3000
EXAMPLES = 30


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let memory end after a few states, and tables for those that wait be small."""
    monkeypatch.setattr(growth, "FIRST", 64)
    monkeypatch.setattr(native, "CHUNK", 16)
    monkeypatch.setattr(housing, "SIFTED", 150)
    monkeypatch.setattr(housing.Housing, "_affordable", lambda s, _: s.states.folder is None)
    monkeypatch.setattr(growth, "waiting", lambda *_: Size("tagged", 32, 25))


def spilled(system: TransitionSystem, folder: Path, threads: int = 1) -> Finding:
    return search(NATIVE, system, EVERY, Budget(bytes=PLENTY, spill=str(folder), threads=threads))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("check", CHECKS[::15], ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_every_spec_has_the_same_states_and_runs(check: Expectation, tmp_path: Path) -> None:
    system = build(compile_spec(read(check.spec), check.settings), Solver().holds)
    found = spilled(system, tmp_path, 1 + len(check.spec) % 2)
    assert found == search(NATIVE, system, EVERY)
    assert (found.statistics.spilled > 0) == (found.statistics.states > 60)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_search_up_to_symmetry_has_the_same_states_and_runs(threads: int, tmp_path: Path) -> None:
    spec = read(str(ROOT / "specs/kmemcg/reparent_caches.py"))
    wanted = {"READ_LOCK": False, "FREERS": 3}
    system = reduced_of(build(compile_spec(spec, wanted), Solver().holds))
    assert system.symmetry is not None
    found = spilled(system, tmp_path, threads)
    assert found == search(NATIVE, system, EVERY)
    assert found.statistics.spilled > 0


@pytest.mark.usefixtures("small")
def test_random_programs_have_the_same_states_and_runs(tmp_path: Path) -> None:
    beyond = 0

    def agree(text: str) -> None:
        nonlocal beyond
        found = built(text)
        if found is None:
            return
        whole = search(NATIVE, found[0], EVERY, Budget(states=MOST))
        if whole.stopped != f"{MOST:,} states reached":
            other = spilled(found[0], tmp_path)
            assert other == whole
            beyond += other.statistics.spilled > 0

    on_random_programs(77, EXAMPLES, agree)
    assert beyond > 2


COUNT = program("n: int", *["for i in range(3):\n    g.n = g.n + 1"] * 3, begin="g.n = 0")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_share_the_pass_over_the_disk(threads: int, tmp_path: Path) -> None:
    assert spilled(of(COUNT), tmp_path, threads) == search(NATIVE, of(COUNT), EVERY)


FAULTS = [
    ("_sift", 'ir.Constant(I8, 1), code.address("old"', 'ir.Constant(I8, 0), code.address("old"'),
    ("_sift", '"==", self.table.owner(code, hashed), me', '"==", me, i64(0)'),
    ("_settle", "b.store(parent, ", "code.wide(parent) or ("),
    ("_settle", "b.call(self.judgement.function, ", "list("),
    ("_settle", "b.store(ir.Constant(I8, 0), place)", "b.load(place)"),
]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("where", "old", "new"), FAULTS, ids=lambda f: str(f)[:30])
def test_a_fault_in_the_pass_over_the_disk_is_noticed(
    where: str, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [f"while True:\n    g.n = (g.n + {by}) % 61" for by in (1, 5, 11)]
    missed = (f"@always\ndef not_{n}() -> bool:\n    return g.n != {n}\n" for n in range(0, 61, 3))
    system = of(program("n: int", *steps, begin="g.n = 1") + "".join(missed))
    whole = search(NATIVE, system, EVERY)
    assert whole.claims
    monkeypatch.setattr(sifting.Sifting, where, getattr(sifting.Sifting, where))
    Mutant("", f"sifting.Sifting.{where}", old, new, "").put()
    try:
        budget = Budget(states=3000, bytes=PLENTY, spill=str(tmp_path), threads=2)
        found = search(NATIVE, system, EVERY, budget)
    except (AssertionError, Stop):
        return
    assert found != whole


@pytest.mark.usefixtures("small")
def test_a_search_on_disk_can_be_kept_and_resumed(tmp_path: Path) -> None:
    whole, kept, reached = search(NATIVE, of(COUNT), EVERY), str(tmp_path / "kept"), 0
    chance = Random(5)  # noqa: S311 - no secret
    checkpoints = Checkpoints(kept)
    for _ in range(4):
        reached += chance.randint(50, 250)
        stopped = search(
            NATIVE,
            of(COUNT),
            EVERY,
            Budget(states=reached, bytes=PLENTY, checkpoints=checkpoints, spill=str(tmp_path)),
        )
        assert stopped.statistics.checkpoint == kept
        reached = max(reached, stopped.statistics.states)
        checkpoints = Checkpoints(kept, resume=kept)
    last = Budget(bytes=PLENTY, checkpoints=checkpoints, spill=str(tmp_path))
    assert search(NATIVE, of(COUNT), EVERY, last) == whole


@pytest.mark.usefixtures("small")
def test_states_that_wait_do_not_count_when_a_search_is_given_up(tmp_path: Path) -> None:
    whole = search(NATIVE, of(COUNT), EVERY)
    budget = Budget(states=500, bytes=PLENTY, spill=str(tmp_path))
    found = search(NATIVE, of(COUNT), EVERY, budget)
    assert found.stopped == "500 states reached"
    assert 500 < found.statistics.states <= whole.statistics.states


def test_a_full_disk_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    found = spilled(of(COUNT), tmp_path)
    assert found.stopped is not None
    assert "No space left on device" in found.stopped


def test_little_memory_is_enough(tmp_path: Path) -> None:
    """Ten million states in less memory than they take, in the same numbers."""
    flags = ["-D", "F=4", "-D", "P=5", "--engine", "native", "--no-counterexamples"]
    command = [sys.executable, "-m", "kmcheck", "verify", str(REPARENT), *flags]
    more = ["--memory", "220M", "--spill", str(tmp_path)]
    whole = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    little = subprocess.run([*command, *more], capture_output=True, text=True, check=True).stdout
    explored = [line for line in whole.splitlines() if "states" in line]
    assert explored
    assert set(explored) <= set(little.splitlines())


def test_there_has_to_be_a_folder() -> None:
    command = [sys.executable, "-m", "kmcheck", "verify", str(REPARENT), "--spill", "no/such"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no/such" in done.stderr


def test_the_reference_engine_has_no_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kmcheck", "verify", str(REPARENT), "--engine", "reference"]
    done = subprocess.run(
        [*command, "--spill", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--engine native" in done.stderr
