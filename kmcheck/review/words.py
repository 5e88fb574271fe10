"""What a label means, in plain words, and what else is said of results in a review."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kmcheck.additions import Addition
from kmcheck.ir.program import DATA_RACE
from kmcheck.necessity import SAME, Necessity, Outcome
from kmcheck.prevention import Change, Prevention
from kmcheck.review.study import Ran, Studied, Study
from kmcheck.verdict import Label, Unknown

MARKS = {"holds": "\u2713", "violated": "\u2717", "unknown": "?"}
"""What says a verdict beside its word, so that the eye finds it without a colour."""

MODELLED = "What is modelled"
"""Where a spec's docstring says what it leaves out."""

VERSION = re.compile(r"\bv[2-9]\.\d+(?:\.\d+)?(?:-rc\d*)?")
COMMIT = re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12}\b")
FILE = re.compile(r"\b(?:mm|kernel|fs|include|lib)/[\w/]+\.[ch]\b")
DEFINED = re.compile(r"^\s*def (\w+)", re.MULTILINE)
SYMBOL = re.compile(r"\b([a-z_]\w{3,})\(\)")


def settings(changed: Iterable[tuple[str, str]]) -> str:
    """Return settings as the command line takes them: `READ_LOCK=no FREERS=3`."""
    return " ".join(f"{name}={value}" for name, value in changed)


def verdict(ran: Ran) -> str:
    """Return what came of a run in a few words."""
    if ran.violated:
        steps = len(ran.violated[0].trace.events)
        return f"{ran.violated[0].property}, {steps} steps"
    seen = ran.result.label.statistics
    if ran.result.outcome == "unknown":
        return ran.result.label.stopped or "not all was explored"
    return f"{seen.states:,} states, depth {seen.depth}"


def cites(doc: str, spec: str = "") -> list[tuple[str, str]]:
    """Return what a text cites of the kernel, by what it is; not what its spec defines itself."""
    own = set(DEFINED.findall(spec))
    found = (
        ("kernel versions", VERSION.findall(doc)),
        ("commits", COMMIT.findall(doc)),
        ("files", FILE.findall(doc)),
        ("symbols", [f"{name}()" for name in SYMBOL.findall(doc) if name not in own]),
    )
    return [(what, ", ".join(dict.fromkeys(names))) for what, names in found if names]


def without(outcome: Outcome) -> str:
    """Return what came of taking something away."""
    match outcome.verdict:
        case "violated":
            return ", ".join([outcome.told, *outcome.others])
        case "holds":
            return "redundant within these bounds"
        case verdict if verdict == SAME:
            return f"the same {outcome.told}"
        case verdict:
            return f"{verdict}: {outcome.told}" if outcome.told else verdict


def change_told(change: Change) -> str:
    """Return a change in words: `READ_LOCK=yes`, `rcu_read_lock() around lines 20-23 of f()`."""
    return ", and ".join(
        f"{part} of {part.function}()" if isinstance(part, Addition) else str(part)
        for part in change
    )


def tried_told(found: Prevention) -> str:
    """Return how much was tried to prevent a violation, and what of it was not known."""
    if not found.tried:
        return "the spec has no choices, and nothing else was asked for"
    alone = sum(len(change) == 1 for change, _ in found.tried)
    more = len(found.tried) - alone
    unknown = sum(tried.verdict == "unknown" for _, tried in found.tried)
    told = f"{alone} changes were tried" if alone != 1 else "one change was tried"
    told += f", and {more} of two together" if more else ""
    return told + (f"; of {unknown} it is not known" if unknown else "")


def carried(found: Necessity) -> str:
    """Return how many of the mutants are violated."""
    violated, ended = found.counts
    return f"{violated} of {ended}"


def unbroken(found: Necessity) -> Iterator[str]:
    """Yield what is said of properties that no mutant breaks."""
    for one in found.unbroken:
        if one.held == one.verified:
            yield f"No mutant breaks {one.property}: it may say nothing here."
        else:
            others = f"{one.verified - one.held} of {one.verified}"
            yield (
                f"No mutant is known to break {one.property}: "
                f"{others} end at another violation first."
            )


# --- assumptions and limits ----------------------------------------------------------------------


def limits(study: Study) -> Iterator[str]:
    """Yield what all verdicts of a review rest on."""
    labels = [ran.result.label for one in study.designs for ran in one.runs]
    docs = [one.runs[0].program.doc for one in study.designs]
    under = ", under “What is modelled”" if all(MODELLED in doc for doc in docs) else ""
    yield (
        "The verdicts are about the specs, and not about C code. What a spec leaves out is for its "
        f"docstring to say{under}."
    )
    yield (
        "A bound is a number of objects or processes. HOLDS means that no interleaving within the "
        "bounds goes wrong. Nothing is said about larger numbers."
    )
    models = ", ".join(sorted({label.memory_model for label in labels}))
    yield (
        f"Memory model: {models}. Stores are seen by all in one order, so that a barrier that is "
        "missing is not noticed unless the spec models the reordering itself."
    )
    yield from _about_runs(labels)
    raced = [label for label in labels if label.races or DATA_RACE in label.wanted]
    if len(raced) < len(labels):
        yield f"{_which(raced, labels)} data races, as KCSAN would report them."
    if all(label.exact for label in labels):
        yield (
            "The searches are exact: every state is compared as a whole. Each counterexample was "
            "stepped through a second time by another implementation of the semantics."
        )
    for label in labels:
        if label.omission:
            yield f"{_named(label)}: a state was missed with p <= {label.omission:.1e}."
    if any(label.reductions for label in labels):
        names = {r.partition(" ")[0] for label in labels for r in label.reductions}
        yield (
            f"Reductions ({', '.join(sorted(names))}) left out runs that differ from others in "
            "nothing that is asked for. They change numbers of states, and no verdict."
        )


def _about_runs(labels: list[Label]) -> Iterator[str]:
    fair = [label for label in labels if label.fairness]
    if len(fair) < len(labels):
        yield (
            f"{_which(fair, labels)} runs that never end: a livelock, a starved process or a "
            "loop that spins for ever is not noticed there. A deadlock is."
        )
    for told in sorted({label.fairness for label in fair}):
        yield f"Runs that never end were looked at under fairness: {told}."


def _which(asked: list[Label], labels: list[Label]) -> str:
    if not asked:
        return "Nobody asked for"
    return f"Only {len(asked)} of {len(labels)} runs asked for"


def _named(label: Label) -> str:
    return f"{label.spec} {settings(label.changed)}".rstrip()


def own_limits(one: Studied) -> Iterator[str]:
    """Yield what limits the verdicts of one design beside that."""
    label = one.runs[0].result.label
    bounds = settings(label.bounds)
    yield f"Bounds of the first run: {bounds}." if bounds else "The spec has no bounds."
    for ran in one.runs:
        label = ran.result.label
        where = f"“{ran.run.shows}”"
        unknown = [v.property for v in ran.result.verdicts if isinstance(v, Unknown)]
        if label.stopped:
            yield f"{where} was not explored to its end: {label.stopped}."
        elif unknown and ran.violated:
            yield (
                f"{where} ended at its first violation: "
                f"{len(unknown)} other properties are not decided."
            )
        elif unknown:
            yield f"{where} leaves {', '.join(unknown)} undecided."
        if label.wanted:
            yield f"{where} asks for {', '.join(label.wanted)}, and nothing else."
        if ran.violated:
            continue
        if ran.result.vacuous:
            never = ", ".join(ran.result.vacuous)
            yield f"{where}: {never} was never asked for: it holds vacuously."
        yield from (
            f"{where}: a part of {u.property} was never looked at: {u.span.text}"
            for u in ran.result.unmet
        )
        for what, _ in label.limits:
            yield f"{where}: the limit of {what} was reached."
    yield from _uncovered(one)


def _uncovered(one: Studied) -> Iterator[str]:
    lines = [str(line.number) for _, line in one.coverage.uncovered]
    if lines:
        which = f"Line {lines[0]} was" if len(lines) == 1 else f"Lines {', '.join(lines)} were"
        yield f"{which} not run, or not all of it: what stands there is not shown to be right."
