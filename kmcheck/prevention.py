"""What would have prevented a violation: the smallest sets of choices with which a spec holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product

from kmcheck.batch import Ledger, Task, done
from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec
from kmcheck.frontend.settings import spell
from kmcheck.verdict import Result, Violated

Change = tuple[tuple[str, str], ...]
"""Choices, each with another value than the one that was asked for."""


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
    """What was tried: the spec as it was asked for, and changes to its choices.

    A change is not tried where part of it is enough already.
    """

    spec: str
    asked: tuple[tuple[str, str], ...]
    """Settings that are not the spec's own."""
    first: Tried
    tried: tuple[tuple[Change, Tried], ...] = ()

    @property
    def enough(self) -> tuple[Change, ...]:
        """The smallest changes with which the spec holds."""
        return tuple(change for change, found in self.tried if found.verdict == "holds")


def prevention(
    source: Source,
    options: Options,
    jobs: int,
    most: int,
    report: Callable[[int, int], None] = lambda _, __: None,
) -> Prevention:
    """Verify a spec, and if it is violated with all changes of up to `most` of its choices.

    Changes of as few choices as are enough are looked at, and none of more.

    Raises:
        SpecError: the spec is wrong.
        UsageError: a setting or a property is not there.
    """
    program = compile_spec(source, options.settings)
    asked = tuple((s.name, spell(s)) for s in program.settings if s.value != s.default)
    result = verify(source, options)
    found = Prevention(program.name, asked, _told(result))
    if result.outcome != "violated":
        return found
    others = {
        s.name: [o for o in map(str.lower, s.options) if o != spell(s)]
        for s in program.settings
        if s.kind == "choice"
    }
    for size in range(1, most + 1):
        if found.enough:
            break
        changes = list(_changes(others, size))
        tasks = [
            Task(number, str(change), _tried, (source, options, change))
            for number, change in enumerate(changes)
        ]
        outcomes: dict[int, Tried] = {}
        for number, outcome in done(tasks, jobs, Ledger(None, Tried)):
            outcomes[number] = outcome
            report(len(outcomes), len(tasks))
        tried = tuple((change, outcomes[number]) for number, change in enumerate(changes))
        found = replace(found, tried=(*found.tried, *tried))
    return found


def _changes(others: dict[str, list[str]], size: int) -> Iterator[Change]:
    for names in combinations(others, size):
        for values in product(*(others[name] for name in names)):
            yield tuple(zip(names, values, strict=True))


def _tried(source: Source, options: Options, change: Change) -> Tried:
    settings = {**options.settings, **dict(change)}
    try:
        return _told(verify(source, replace(options, settings=settings)))
    except SpecError as error:
        return Tried("no spec", error.diagnostics[0].title)


def _told(result: Result) -> Tried:
    violated = next((v for v in result.verdicts if isinstance(v, Violated)), None)
    if violated is not None:
        return Tried("violated", violated.property, len(violated.trace.events))
    return Tried(result.outcome, result.label.stopped or "")
