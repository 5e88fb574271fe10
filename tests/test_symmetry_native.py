"""The native engine explores up to symmetry what the reference does: counts, depths, verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kmcheck.audit import Said, audit
from kmcheck.diagnostics import InternalError
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.native.expanding import Expanding
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.expected import Expectation
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Engine, Question
from kmcheck.replay import replay
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Checkpoints, Finding
from tests.random_programs import built
from tests.random_symmetric import generate
from tests.symmetric import of, random, reduced_of
from tests.tables import ends

ROOT = Path(__file__).resolve().parent.parent
MOST = 1000
BATCHES = 3
EXAMPLES = 8
EVERY = Question(every=True)


def search(engine: Engine, system: TransitionSystem, **budget: object) -> Finding:
    return engine.search(system, EVERY, Solver(), Budget(**budget), lambda _: None)  # type: ignore[arg-type]


def said(finding: Finding) -> Finding:
    """Return what engines agree on: of runs how long they are, of properties if they were asked."""
    claims = tuple(
        replace(c, witness=replace(c.witness, initial=0, steps=((0, ()),) * len(c.witness.steps)))
        for c in finding.claims
    )
    judged = {name: min(1, times) for name, times in finding.statistics.judged.items()}
    return replace(finding, claims=claims, statistics=replace(finding.statistics, judged=judged))


def assert_same(system: TransitionSystem, threads: tuple[int, ...] = (1, 2)) -> bool:
    """Tell whether there was something to compare. What is claimed has to be a true run."""
    reduced = reduced_of(system)
    if reduced.symmetry is None:
        return False
    reference = search(REFERENCE, reduced, states=MOST)
    if reference.stopped == f"{MOST:,} states reached":
        return False
    for count in threads:
        found = search(NATIVE, reduced, threads=count)
        assert said(found) == said(reference)
        for claim in found.claims:
            replay(system, claim, (), Solver())
    return True


@pytest.mark.parametrize("check", ends()[::3], ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_every_spec_has_the_same_orbits(check: Expectation) -> None:
    system = build(compile_spec(read(check.spec), check.settings), Solver().holds)
    assert_same(system, threads=(1,))


@pytest.mark.parametrize(
    "name", ["managers", "page_owner", "readers", "friends", "five", "boxes", "chosen"]
)
def test_systems_have_the_same_orbits_on_any_number_of_threads(name: str) -> None:
    assert assert_same(of(name))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_symmetric_programs_have_the_same_orbits(batch: int) -> None:
    compared = 0
    for number in range(EXAMPLES):
        found = built(generate(random(5000 + 100 * batch + number)))
        compared += found is not None and assert_same(found[0])
    assert compared >= 2


RUMUR = [
    ((2, 2), 30_759, 92_131),
    ((3, 2), 292_912, 1_041_847),
]
"""Readers and updaters of QRCU; states and steps as Rumur 2022.08 counts them on the same model,
with scalarsets and `--symmetry-reduction exhaustive`."""


@pytest.mark.parametrize(("sizes", "states", "transitions"), RUMUR)
def test_qrcu_has_as_many_orbits_as_rumur_finds(
    sizes: tuple[int, int], states: int, transitions: int
) -> None:
    wanted = {"READERS": sizes[0], "UPDATERS": sizes[1]}
    spec = read(str(ROOT / "specs/classic/qrcu.py"))
    system = reduced_of(build(compile_spec(spec, wanted), Solver().holds))
    found = search(NATIVE, system, threads=2).statistics
    assert (found.states, found.transitions) == (states, transitions)


# --- what else there is ------------------------------------------------------------------------


def test_an_audit_compares_lengths_of_runs() -> None:
    settings = {"READ_LOCK": False, "FREERS": 3}
    spec = read(str(ROOT / "specs/kmemcg/reparent_caches.py"))
    reduced = reduced_of(build(compile_spec(spec, settings), Solver().holds))
    assert reduced.symmetry is not None
    said = Said("native", NATIVE.search(reduced, Question(), Solver(), Budget(), lambda _: None))
    assert said.finding.claims
    told = audit(said, reduced, Question(), Budget(), lambda _: None)
    assert told == (
        "audited against the reference engine: equal verdicts, counts and lengths of traces"
    )


def test_a_search_up_to_symmetry_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    system, path = of("readers"), str(tmp_path / "kept")
    search(NATIVE, system, depth=8, checkpoints=Checkpoints(keep=path))
    found = search(NATIVE, system, checkpoints=Checkpoints(resume=path))
    assert found == search(NATIVE, system)


# --- mutants -----------------------------------------------------------------------------------


def caught(name: str) -> bool:
    try:
        return not assert_same(of(name), threads=(1,))
    except (AssertionError, InternalError):
        return True


def made_with(monkeypatch: pytest.MonkeyPatch, pushes: bool, adds: bool) -> None:
    """Let successors or initial states be put into canonical form, or neither."""

    def made(*given: Any) -> Expanding:  # noqa: ANN401 - as `Expanding`
        *others, canonical, stubborn = given
        expanding = Expanding(*(*others, canonical if pushes else None, stubborn))
        expanding.canonical = canonical if adds else None
        return expanding

    monkeypatch.setattr("kmcheck.engines.native.compiled.Expanding", made)


def test_successors_that_are_kept_as_they_are_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    made_with(monkeypatch, pushes=False, adds=True)
    assert caught("friends")


def test_an_initial_state_that_is_kept_as_it_is_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    made_with(monkeypatch, pushes=True, adds=False)
    assert caught("chosen")


def test_machine_code_that_mixes_up_what_it_exchanges_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An exchange that renames nothing keeps states that no run leads to."""
    monkeypatch.setattr("kmcheck.engines.native.exchange._rename", lambda *_: None)
    assert caught("friends")
