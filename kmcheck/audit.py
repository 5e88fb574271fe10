"""Compares what two engines say of the same system: any difference is a bug in kmcheck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kmcheck import shelf
from kmcheck.diagnostics import InternalError, UsageError
from kmcheck.protocols import Engine, Progress, Question
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Checkpoints, Finding, Witness

REFERENCE, NATIVE = "reference", "native"


@dataclass(frozen=True, slots=True)
class Said:
    """What an engine of some name found."""

    engine: str
    finding: Finding


def audit(
    said: Said,
    system: TransitionSystem,
    question: Question,
    budget: Budget,
    report: Callable[[Progress], None],
) -> str:
    """Let a second engine answer the same question; return what the label says of that.

    The second engine is the reference; it is the native one where the reference was the first.
    It has the whole budget once more.

    Raises:
        InternalError: the engines disagree.
    """
    if said.finding.cut == "budget":
        return f"not audited: the {said.engine} engine stopped, {said.finding.stopped}"
    name = NATIVE if said.engine == REFERENCE else REFERENCE
    engine: Engine = shelf.take("engines", name, "ENGINE")
    try:
        alone = replace(budget, checkpoints=Checkpoints(), spill=None, compact=False)
        other = Said(name, engine.search(system, question, Solver(), alone, report))
    except UsageError as refused:
        return f"not audited: the {name} engine cannot explore this: {refused.message}"
    first, second = (said, other) if said.engine == REFERENCE else (other, said)
    if system.symmetry is not None:
        first, second = _lengths(first), _lengths(second)
    found = difference(first, second)
    if found is not None:
        raise InternalError(f"the engines disagree on {found}")
    if other.finding.cut == "budget":
        return f"not audited: the {name} engine stopped, {other.finding.stopped}"
    if other.finding.cut:
        return "not audited: both engines stopped where a comparison depends on the sizes"
    traces = "traces" if system.symmetry is None else "lengths of traces"
    return f"audited against the {name} engine: equal verdicts, counts and {traces}"


def _lengths(said: Said) -> Said:
    """Return the same with nothing of its runs but their lengths.

    Up to symmetry there are several runs, and which one is found is a matter of numbering.
    """
    claims = (
        replace(c, witness=Witness(0, ((0, ()),) * len(c.witness.steps)))
        for c in said.finding.claims
    )
    return Said(said.engine, replace(said.finding, claims=tuple(claims)))


def difference(first: Said, second: Said) -> str | None:
    """Return the first thing that two engines disagree on, with what each says; None if nothing.

    A search that its budget cut short is compared as far as it came: it cannot have found more than
    one that went on. Two searches that end where sizes would have to decide may have come there in
    the middle of a level, and are not compared.
    """
    for one, other in ((first, second), (second, first)):
        if one.finding.cut == "budget":
            return None if other.finding.cut else _excess(one, other)
    if first.finding.cut and second.finding.cut:
        return None
    for what, of in FACETS.items():
        if of(first.finding) != of(second.finding):
            return _told(what, first, second, of)
    return _runs(first, second)


def _told(what: str, first: Said, second: Said, of: Callable[[Finding], str]) -> str:
    return f"{what}: " + ", ".join(f"{s.engine} {of(s.finding)}" for s in (first, second))


def _counted(of: Callable[[Finding], int]) -> Callable[[Finding], str]:
    return lambda finding: f"{of(finding):,}"


def _listed(of: Callable[[Finding], Iterator[str]]) -> Callable[[Finding], str]:
    return lambda finding: ", ".join(of(finding)) or "nothing"


FACETS: dict[str, Callable[[Finding], str]] = {
    "what is violated": _listed(lambda f: (c.violation for c in f.claims)),
    "why the search ended": lambda f: f.stopped or ("all was seen" if f.complete else "answered"),
    "what cannot be evaluated": _listed(lambda f: (f"{name} ({why})" for name, why in f.undefined)),
    "states": _counted(lambda f: f.statistics.states),
    "transitions": _counted(lambda f: f.statistics.transitions),
    "depth": _counted(lambda f: f.statistics.depth),
    "terminal states": _counted(lambda f: f.statistics.terminal_states),
    "what bound was reached": _listed(lambda f: iter(f.statistics.bound_reached)),
    "what was never asked for": _listed(
        lambda f: (name for name, times in sorted(f.statistics.judged.items()) if not times)
    ),
    "what was asked for": _listed(lambda f: iter(sorted(f.statistics.judged))),
    "what was never run": _listed(
        lambda f: (f"{u.span.where} {u.what}" for u in f.statistics.unexercised)
    ),
}
"""What is compared, in this order, and what an engine says of it."""


def _runs(first: Said, second: Said) -> str | None:
    """Return where the runs differ. The traces follow from them: the semantics steps both alike."""
    for one, other in zip(first.finding.claims, second.finding.claims, strict=True):
        if one.witness != other.witness:
            return f"the run to {one.violation}: " + _parting(
                (first.engine, one.witness), (second.engine, other.witness)
            )
    return None


def _parting(*runs: tuple[str, Witness]) -> str:
    """Return where two runs part: in the initial state, in length, or at a step."""
    (_, one), (_, other) = runs
    if one.initial != other.initial:
        return ", ".join(f"{name} begins in state {run.initial}" for name, run in runs)
    if len(one.steps) != len(other.steps):
        return ", ".join(f"{name} {len(run.steps):,} steps" for name, run in runs)
    at = next(n for n, (a, b) in enumerate(zip(one.steps, other.steps, strict=True)) if a != b)
    steps = ((name, *run.steps[at]) for name, run in runs)
    told = ", ".join(f"{name} process {process} with {list(made)}" for name, process, made in steps)
    return f"step {at + 1}, {told}"


def _excess(cut: Said, whole: Said) -> str | None:
    """Return what a search that was cut short found beyond one that was not."""
    known = {claim.violation: claim.witness for claim in whole.finding.claims}
    for claim in cut.finding.claims:
        if known.get(claim.violation) != claim.witness:
            return _told("what is violated", cut, whole, FACETS["what is violated"])
    for what in ("states", "transitions", "depth"):
        if getattr(cut.finding.statistics, what) > getattr(whole.finding.statistics, what):
            return _told(what, cut, whole, FACETS[what])
    return None
