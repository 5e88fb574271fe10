"""What would have prevented a violation: the smallest sets of choices and primitives that do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import combinations

from kmcheck.additions import Addition, Run, Written, additions
from kmcheck.batch import Ledger, Task, done
from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec
from kmcheck.frontend.settings import spell
from kmcheck.ir.program import Program
from kmcheck.verdict import Result, Violated


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice with another value than the one that was asked for."""

    name: str
    value: str

    def __str__(self) -> str:
        """Return it as `-D` takes it."""
        return f"{self.name}={self.value}"


Part = Choice | Addition
Change = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What comes of a spec: `holds`, `violated`, `unknown`, or `no spec` if it cannot be one.

    `what` is what is violated first, or why it is not known; `steps` are those of the run.
    """

    verdict: str
    what: str = ""
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Prevention:
    """What was tried: the spec as it was asked for, and changes to it.

    A change is not tried where part of it is enough already.
    """

    spec: str
    asked: tuple[tuple[str, str], ...]
    """Settings that are not the spec's own."""
    first: Tried
    tried: tuple[tuple[Change, Tried], ...] = ()

    @property
    def enough(self) -> tuple[Change, ...]:
        """The smallest changes with which the spec holds; of sections the narrowest."""
        enough = [change for change, found in self.tried if found.verdict == "holds"]
        return tuple(c for c in enough if not any(_is_wider(c, other) for other in enough))


def prevention(
    source: Source,
    options: Options,
    jobs: int,
    most: int,
    *,
    primitives: bool = True,
    known: Result | None = None,
    report: Callable[[int, int], None] = lambda _, __: None,
) -> Prevention:
    """Verify a spec, and if it is violated with all changes of up to `most` parts.

    A part is another option of a choice, or a primitive put in by a remedy. Changes of as few parts
    as are enough are looked at, and none of more. A change is left out where it cannot be enough: a
    run that violates the spec still does with something put in where that run has not been.
    `known` is what came of the spec as it is.

    Raises:
        SpecError: the spec is wrong.
        UsageError: a setting or a property is not there.
    """
    program = compile_spec(source, options.settings)
    asked = tuple((s.name, spell(s)) for s in program.settings if s.value != s.default)
    result = known or verify(source, options).uninterrupted()
    first, run = _told(result, Written(source, ()))
    found = Prevention(program.name, asked, first)
    runs: dict[frozenset[Part], Run] = {} if run is None else {frozenset(): run}
    for size in range(1, most + 1):
        if found.enough or not runs:
            break
        parts: list[Part] = list(_choices(program))
        if primitives:
            parts += additions(source, runs.values(), whole=size > 1)
        changes = [c for c in combinations(parts, size) if _is_one(c) and _meets(c, runs)]
        tasks = [
            Task(number, str(change), _verified, (source, options, change))
            for number, change in enumerate(changes)
        ]
        outcomes: dict[int, Tried] = {}
        report(0, len(tasks))
        with closing(done(tasks, jobs, Ledger(None, tuple))) as ended:
            for number, (outcome, run) in ended:
                outcomes[number] = outcome
                if run is not None:
                    runs[frozenset(changes[number])] = run
                report(len(outcomes), len(tasks))
        tried = ((change, outcomes[number]) for number, change in enumerate(changes))
        written = (t for t in tried if t[1].verdict != "no spec" or not _added(t[0]))
        found = replace(found, tried=(*found.tried, *written))
    return found


def _choices(program: Program) -> Iterator[Choice]:
    """Yield the other options of the spec's own choices: those of primitives say how to look."""
    for setting in program.settings:
        if setting.kind == "choice" and not setting.span.source.module:
            options = map(str.lower, setting.options)
            yield from (Choice(setting.name, o) for o in options if o != spell(setting))


def _added(change: Change) -> list[Addition]:
    return [part for part in change if isinstance(part, Addition)]


def _chosen(change: Change) -> dict[str, str]:
    return {part.name: part.value for part in change if isinstance(part, Choice)}


def _is_one(change: Change) -> bool:
    """Tell whether no choice is made twice."""
    return len(_added(change)) + len(_chosen(change)) == len(change)


def _meets(change: Change, runs: dict[frozenset[Part], Run]) -> bool:
    """Tell whether for each part of a change that was not enough, the rest may prevent its run."""
    parts = frozenset(change)
    known = ((parts - made, run) for made, run in runs.items() if made < parts)
    return all(
        any(isinstance(part, Choice) or run.has_been_at(part) for part in rest)
        for rest, run in known
    )


def _is_wider(one: Change, other: Change) -> bool:
    """Tell whether two changes differ only in what sections are around: the first around more."""
    if one == other or _chosen(one) != _chosen(other) or len(one) != len(other):
        return False
    pairs = zip(_added(one), _added(other), strict=True)
    return all(mine.covers(theirs) for mine, theirs in pairs)


def _verified(source: Source, options: Options, change: Change) -> tuple[Tried, Run | None]:
    """Verify a spec with a change made; return what comes of it, and where a violating run was."""
    asked = replace(options, settings={**options.settings, **_chosen(change)})
    try:
        changed = Written(source, _added(change))
        result = verify(changed.source, asked).uninterrupted()
    except SpecError as error:
        return Tried("no spec", error.diagnostics[0].title), None
    except SyntaxError as error:
        return Tried("no spec", str(error)), None
    return _told(result, changed)


def _told(result: Result, written: Written) -> tuple[Tried, Run | None]:
    violated = next((v for v in result.verdicts if isinstance(v, Violated)), None)
    if violated is None:
        return Tried(result.outcome, result.label.stopped or ""), None
    told = Tried("violated", violated.property, len(violated.trace.events))
    return told, written.run(violated.trace)


def document(found: Prevention) -> dict[str, object]:
    """Return what was tried, for JSON."""
    return {
        "spec": found.spec,
        "settings": dict(found.asked),
        "first": asdict(found.first),
        "enough": [_parts(change) for change in found.enough],
        "tried": [{"change": _parts(change), **asdict(told)} for change, told in found.tried],
    }


def _parts(change: Change) -> dict[str, object]:
    return {"choices": _chosen(change), "added": [asdict(part) for part in _added(change)]}
