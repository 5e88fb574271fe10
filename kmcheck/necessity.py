"""What carries load: each thing taken away from a spec in turn, and what is violated without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kmcheck import __version__, shelf
from kmcheck.batch import Ledger, Task, done
from kmcheck.coverage import Mark, covered
from kmcheck.diagnostics import Source, SpecError, UsageError
from kmcheck.driver import Options, verify
from kmcheck.editing import Change, Mutator, edited, functions_of
from kmcheck.frontend import compile_spec
from kmcheck.ir.code import Call, Check, Template
from kmcheck.ir.program import DATA_RACE, Program
from kmcheck.verdict import Holds, Result, Violated


class NothingHeldError(UsageError):
    """A spec does not hold as it is, so that its mutants tell nothing."""


NOT_RUN, REFUSED, SAME = "never run", "cannot be written", "same"
"""What is said of a mutant that was not verified, besides that it is the same as another one."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A spec with one thing taken away: by which mutator, what, on which line.

    `places` are all lines that it is taken away from, if they are several, and what is there.
    """

    mutator: str
    what: str
    line: int
    source: Source
    places: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a mutant.

    `verdict` is `violated`, `holds`, `unknown`, or one of the constants above; `told` is the
    violation's name, why nothing is known, or the line of the equal mutant. `steps` is how long the
    run is, if there is one. `others` are the other violations that were found, `held` those of the
    spec's own properties that hold for certain.
    """

    mutator: str
    what: str
    line: int
    verdict: str
    told: str = ""
    steps: int | None = None
    others: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unbroken:
    """A property that no mutant breaks: in how many it holds, of how many that were verified.

    In the others something else is violated first, and nothing is known of it.
    """

    property: str
    held: int
    verified: int


@dataclass(frozen=True, slots=True)
class Necessity:
    """All outcomes for one spec, and what the whole spec came to."""

    result: Result
    outcomes: tuple[Outcome, ...]

    @property
    def counts(self) -> tuple[int, int]:
        """How many mutants are violated, and how many were verified to an end."""
        ended = [o for o in self.outcomes if o.verdict in ("violated", "holds")]
        return sum(o.verdict == "violated" for o in ended), len(ended)

    @property
    def unbroken(self) -> tuple[Unbroken, ...]:
        """The spec's own properties that were asked for, and that no mutant breaks.

        None where nothing is violated at all: then the table says it.
        """
        ended = [o for o in self.outcomes if o.verdict in ("violated", "holds")]
        broken = {name for o in ended for name in (o.told, *o.others)}
        if not self.counts[0]:
            return ()
        return tuple(
            Unbroken(name, sum(name in o.held for o in ended), len(ended))
            for name in _own(self.result)
            if name not in broken
        )


def mutants(source: Source) -> tuple[Mutant, ...]:
    """Return all mutants of a spec, in the order of its lines.

    Raises:
        SyntaxError: the spec is no Python.
    """
    functions = functions_of(source.text)
    found: list[Mutant] = []
    for name in shelf.names("mutators"):
        mutator: Mutator = shelf.take("mutators", name, "MUTATOR")
        found += [_mutant(source, mutator, change) for change in mutator.changes(functions)]
    return tuple(sorted(found, key=lambda m: (m.line, m.mutator)))


def _mutant(source: Source, mutator: Mutator, change: Change) -> Mutant:
    changed = replace(source, text=edited(source.text, change))
    return Mutant(mutator.name, change.what, change.line, changed, change.places)


def judge(
    source: Source,
    options: Options,
    jobs: int,
    known: Path | None = None,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> Necessity:
    """Verify a spec and each of its mutants; with `known`, go on from what is in that file.

    Raises:
        SpecError: the spec is wrong.
        NothingHeldError: it does not hold as it is.
        UsageError: the file is none of ours.
    """
    program = compile_spec(source, options.settings)
    result = verify(source, options).uninterrupted()
    if result.outcome != "holds":
        why = f"{source.path} is {result.outcome} as it is, so its mutants tell nothing"
        raise NothingHeldError(why, "choose settings with which `kmcheck verify` says HOLDS")
    marks = {line.number: line.mark for line in covered(program, result).files[0].lines}
    every = [_shown(mutant, marks) for mutant in mutants(source)]
    told: dict[int, Outcome] = {}
    distinct: dict[int, tuple[Mutant, Program]] = {}
    for number, mutant in enumerate(every):
        settled = _settled(mutant, options, program, distinct.values(), marks[mutant.line])
        if isinstance(settled, Outcome):
            told[number] = settled
        else:
            distinct[number] = mutant, settled
    report(len(told), len(every))
    how = options.properties, options.endless, options.races, options.every
    asked = f"{' '.join(map(str, how))} kmcheck {__version__}"
    tasks = (
        Task(n, f"{p.digest} {sorted(p.settings, key=str)} {asked}", verified, (mutant, options))
        for n, (mutant, p) in distinct.items()
    )
    ledger = Ledger(known, Outcome)
    lasting = lambda outcome: outcome.verdict != "unknown"  # noqa: E731 - one word for it
    with closing(done(tasks, jobs, ledger, lasting=lasting)) as outcomes:
        for number, outcome in outcomes:
            told[number] = replace(outcome, line=every[number].line)
            report(len(told), len(every))
    return Necessity(result, tuple(told[number] for number in range(len(every))))


def _shown(mutant: Mutant, marks: Mapping[int, Mark]) -> Mutant:
    """Return a mutant with the first of its places that is run, if any is, or not left out."""
    rank = {"never": 1, "left out": 2}
    places = sorted(mutant.places, key=lambda place: (rank.get(marks[place[0]], 0), place[0]))
    return replace(mutant, line=places[0][0], what=places[0][1]) if places else mutant


def _settled(
    mutant: Mutant,
    options: Options,
    whole: Program,
    others: Iterable[tuple[Mutant, Program]],
    mark: Mark,
) -> Outcome | Program:
    """Return what is known of a mutant before it is verified, or its program."""
    about = mutant.mutator, mutant.what, mutant.line
    try:
        program = compile_spec(mutant.source, options.settings)
    except SpecError as error:
        return Outcome(*about, REFUSED, error.diagnostics[0].title)
    if mark == "left out":
        return Outcome(*about, SAME, "as the spec: the choices leave this out")
    code = _code(program, options)
    if code == _code(whole, options):
        return Outcome(*about, SAME, "as the spec")
    for other, known in others:
        if _code(known, options) == code:
            return Outcome(*about, SAME, f"as line {other.line}, {other.mutator}")
    return Outcome(*about, NOT_RUN) if mark == "never" else program


def _code(program: Program, options: Options) -> object:
    """Return what tells two programs apart: what is marked makes a difference to races alone."""
    races = options.races or DATA_RACE in options.properties
    plain = [b.plain for t in program.templates.values() for b in t.blocks if races]
    templates = [_renumbered(template) for template in program.templates.values()]
    return templates, program.properties, program.kinds, plain


def _renumbered(template: Template) -> Template:
    """Return a template with the calls numbered as their code comes, whatever else was called."""
    numbers: dict[int, int] = {}

    def numbered(calls: tuple[Call, ...]) -> tuple[Call, ...]:
        return tuple(
            replace(call, serial=numbers.setdefault(call.serial, len(numbers))) for call in calls
        )

    blocks = tuple(
        replace(
            block,
            instructions=tuple(
                replace(one, calls=numbered(one.calls)) if isinstance(one, Check) else one
                for one in block.instructions
            ),
            calls=numbered(block.calls),
        )
        for block in template.blocks
    )
    return replace(template, blocks=blocks, results=())


def verified(mutant: Mutant, options: Options) -> Outcome:
    """Verify one mutant."""
    about = mutant.mutator, mutant.what, mutant.line
    try:
        result = verify(mutant.source, options)
    except (SpecError, UsageError) as error:
        return Outcome(*about, REFUSED, str(error))
    violated = [v for v in result.verdicts if isinstance(v, Violated)]
    holding = {v.property for v in result.verdicts if isinstance(v, Holds)}
    held = tuple(name for name in _own(result) if name in holding)
    if violated:
        first, *more = violated
        others = tuple(v.property for v in more)
        run = len(first.trace.events)
        return Outcome(*about, "violated", first.property, run, others, held)
    return Outcome(*about, result.outcome, result.label.stopped or "", None, (), held)


def _own(result: Result) -> list[str]:
    """Return the spec's own properties that were asked for."""
    asked = {v.property for v in result.verdicts}
    return [name for name in result.label.properties if name in asked]


def order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return outcomes with what carries load first, by line."""
    rank = {"violated": 0, "unknown": 1, "holds": 2}
    return sorted(outcomes, key=lambda o: (rank.get(o.verdict, 3), o.line))


def summary(found: Necessity) -> dict[str, object]:
    """Return what programs are told of all mutants together."""
    violated, ended = found.counts
    label = found.result.label
    return {
        "spec": label.spec,
        "digest": label.digest,
        "settings": dict(label.changed),
        "violated": violated,
        "verified": ended,
        "unbroken": [asdict(one) for one in found.unbroken],
    }
