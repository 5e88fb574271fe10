"""Compares reduced systems with whole ones: the same is violated, the same is left unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kmcheck import driver, shelf
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.expected import Expectation
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Engine, Question, Reduction
from kmcheck.replay import replay, unending, unreduced
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Claim, Finding, Witness
from tests.tables import ends

ROOT = Path(__file__).resolve().parent.parent
SMALL, LARGE = 1700, 300_000
"""States of a whole system that is compared with every subset of the reductions, by the reference
engine; and of one that is compared with all of them together, by the native one."""

BOUNDS: dict[str, dict[str, int]] = {
    "bounded_buffer": {"SLOTS": 1, "ITEMS": 2},
    "move_slabs": {"FREERS": 1},
    "page_owner": {"PAGES": 1},
    "page_owner_drain": {"CACHED": 0},
    "reparent_hierarchy": {"CACHES": 0},
    "reparent_lists": {"ADDERS": 0, "SHRINKERS": 0},
    "seqlock": {"READERS": 1, "WRITES": 1},
}
"""Bounds with which specs are small."""

EVERY = Question(every=True)
NAMES = tuple(shelf.names("reduce"))


def search(
    system: TransitionSystem,
    question: Question = EVERY,
    most: int = SMALL,
    engine: Engine = REFERENCE,
) -> Finding:
    return engine.search(system, question, Solver(), Budget(states=most), lambda _: None)


def verdict(found: Finding) -> tuple[frozenset[str], bool, str | None]:
    """Return what is violated, whether the rest holds, and why not."""
    return frozenset(claim.violation for claim in found.claims), found.complete, found.stopped


def reduced(
    system: TransitionSystem, names: Sequence[str], question: Question = EVERY
) -> tuple[TransitionSystem, tuple[str, ...]]:
    """Return a system reduced by some of the reductions, and what they did."""
    return driver.reduce(system, question, set(NAMES) - set(names))


def ways(
    system: TransitionSystem, question: Question = EVERY
) -> Iterator[tuple[TransitionSystem, tuple[str, ...]]]:
    """Yield what each subset of the reductions makes of a system; what does the same, once."""
    found: dict[tuple[str, ...], TransitionSystem] = {(): system}
    shelved = [r for r in map(take, NAMES) if r.endless or not question.endless]
    for reduction in sorted(shelved, key=lambda r: r.order):
        for notes, less in list(found.items()):
            done = reduction.reduce(less, question)
            if done.note is not None:
                found[*notes, f"{reduction.name} ({done.note})"] = done.system
    return ((less, notes) for notes, less in found.items() if notes)


def take(name: str) -> Reduction:
    reduction: Reduction = shelf.take("reduce", name, "REDUCTION")
    return reduction


def is_small(system: TransitionSystem) -> bool:
    return search(system).statistics.states <= SMALL


def compare_large(system: TransitionSystem) -> None:
    """Compare a system with what all reductions together leave of it."""
    whole = search(system, EVERY, LARGE, NATIVE)
    assert whole.cut != "budget", "give it smaller bounds"
    less, notes = reduced(system, NAMES)
    found = search(less, EVERY, LARGE, NATIVE)
    assert verdict(found) == verdict(whole), notes
    assert found.statistics.states <= whole.statistics.states, notes


def compare(system: TransitionSystem, question: Question = EVERY) -> frozenset[str]:
    """Compare a small system with what reductions leave of it, and confirm the last claims.

    Return what is violated; nothing if the system is too large to compare.
    """
    whole = search(system, question)
    if whole.statistics.states > SMALL:
        return frozenset()
    less, found = system, whole
    for less, notes in ways(system, question):
        found = search(less, question)
        assert verdict(found) == verdict(whole), notes
        assert found.statistics.states <= whole.statistics.states, notes
    confirm(system, less, found)
    return verdict(whole)[0]


def confirm(system: TransitionSystem, less: TransitionSystem, found: Finding) -> None:
    """Replay each claim in the whole system, as a run of it."""
    for claim in found.claims:
        solver = Solver()
        trace = replay(system, Claim(claim.violation, run(system, less, claim)), (), solver)
        assert trace.violation.kind == claim.violation


def run(system: TransitionSystem, less: TransitionSystem, claim: Claim) -> Witness:
    """Return a run of the whole system for one of the reduced system: the first that is found."""
    if claim.witness.loop is None:
        return unreduced(system, less, claim, Solver())
    return next(unending(system, less, claim, Solver()))


def small_checks() -> list[Expectation]:
    """Return the checks at both ends of each table, with bounds that are small."""
    found = []
    for check in ends():
        bounds = BOUNDS.get(Path(check.spec).stem, {})
        found.append(replace(check, settings={**check.settings, **bounds}))
    return list({named(check): check for check in found}.values())


def named(check: Expectation) -> str:
    return f"{Path(check.spec).stem}-{sorted(check.settings.items())}"


def built(check: Expectation) -> TransitionSystem:
    return build(compile_spec(read(check.spec), check.settings), Solver().holds)
