"""What the pages of a review say, as data: the same for HTML and for Markdown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kmcheck import __version__, shelf
from kmcheck.chart import Chart, draw
from kmcheck.coverage import Line
from kmcheck.necessity import order
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.review.laws import Law, laws
from kmcheck.review.places import code, excerpt
from kmcheck.review.plan import Beside
from kmcheck.review.study import Ran, Studied, Study
from kmcheck.review.words import (
    MARKS,
    carried,
    change_told,
    cites,
    limits,
    own_limits,
    settings,
    tried_told,
    unbroken,
    verdict,
    without,
)
from kmcheck.sweep import Sweep, chart
from kmcheck.sweep.tables import heads, row
from kmcheck.sweep.words import states_told
from kmcheck.trace import Trace
from kmcheck.violations import sentence


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the source, and the lines of the spec that say the same."""

    words: tuple[str, ...]
    source: str
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A counterexample. `picture` is an SVG as a `data:` address, or nothing."""

    says: str
    table: str
    picture: str
    file: str


@dataclass(frozen=True, slots=True)
class Row:
    """A run of a design: what it shows, its settings, what came of it."""

    id: str
    shows: str
    settings: str
    word: str
    mark: str
    told: str
    label: str
    again: str
    proposed: bool
    cases: tuple[Case, ...]
    prevented: Prevented | None


@dataclass(frozen=True, slots=True)
class Prevented:
    """What would have prevented a violation: each change in words, and what was tried."""

    enough: tuple[str, ...]
    tried: str
    again: str


@dataclass(frozen=True, slots=True)
class Carries:
    """The table of mutants: what is gone, its line, the verdict, the length of the run."""

    counted: str
    settings: str
    rows: tuple[tuple[str, int, str, str, str], ...]
    unbroken: tuple[str, ...]
    again: str


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep: its heads, each with whether it is of numbers, its rows, how it grows, the plot."""

    heads: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    grown: tuple[str, ...]
    plot: str
    again: str


@dataclass(frozen=True, slots=True)
class Part:
    """All that is said of one design."""

    id: str
    name: str
    spec: str
    path: str
    digest: str
    verdict: str
    about: tuple[str, ...]
    source: str
    doc: str
    cites: tuple[tuple[str, str], ...]
    quotes: tuple[Quote, ...]
    listing: tuple[Line, ...]
    counts: str
    rows: tuple[Row, ...]
    laws: tuple[Law, ...]
    solver: str
    mutants: str
    """How many of the mutants break it, or why that is not known."""
    unjudged: bool
    """Whether mutants are asked for, and tell nothing: the design does not hold itself."""
    carries: Carries | None
    swept: Swept | None
    limits: tuple[str, ...]

    @property
    def proposed(self) -> Row:
        """The run that stands for the design."""
        return next((row for row in self.rows if row.proposed), self.rows[0])


@dataclass(frozen=True, slots=True)
class Review:
    """The whole page."""

    title: str
    source: str
    question: tuple[str, ...]
    answer: tuple[str, ...]
    parts: tuple[Part, ...]
    assumptions: tuple[str, ...]
    limits: tuple[str, ...]
    version: str


def review(study: Study, traces: Mapping[Trace, str]) -> Review:
    """Return the page; `traces` has the file of each counterexample."""
    plan = study.plan
    return Review(
        plan.title,
        plan.source,
        paragraphs(plan.question),
        paragraphs(plan.answer),
        tuple(_part(f"d{n}", one, traces) for n, one in enumerate(study.designs, start=1)),
        plan.assumptions,
        tuple(limits(study)),
        __version__,
    )


def paragraphs(text: str) -> tuple[str, ...]:
    """Return what stands between empty lines, each in one line."""
    return tuple(" ".join(part.split()) for part in text.strip().split("\n\n") if part.strip())


def _part(key: str, one: Studied, traces: Mapping[Trace, str]) -> Part:
    first = one.runs[0]
    label, doc = first.result.label, first.program.doc
    listing = one.coverage.files[0]
    return Part(
        id=key,
        name=one.design.name,
        spec=label.spec,
        path=label.path,
        digest=label.digest,
        verdict=one.design.verdict,
        about=paragraphs(one.design.about),
        source=one.design.source,
        doc=doc,
        cites=tuple(cites(doc, first.program.source.text)),
        quotes=tuple(_quote(b, excerpt(listing, b.spec)) for b in one.design.beside),
        listing=code(listing),
        counts=_counts(one),
        rows=tuple(_row(f"{key}r{n}", ran, traces) for n, ran in enumerate(one.runs, start=1)),
        laws=tuple(laws(first)),
        solver=_solver(first),
        mutants=_mutants(one),
        unjudged=one.necessity is None and one.design.mutants is not None,
        carries=_carries(one),
        swept=_swept(one),
        limits=tuple(own_limits(one)),
    )


def _quote(beside: Beside, lines: tuple[Line, ...]) -> Quote:
    return Quote(paragraphs(beside.words), beside.source, beside.spec, lines)


def _counts(one: Studied) -> str:
    stopped = one.coverage.stopped
    missing = f"; not all was explored: {stopped}" if stopped else ""
    return f"{one.coverage.told} were run{missing}"


def _solver(ran: Ran) -> str:
    label = ran.result.label
    if not label.solver_stood_for:
        return ""
    queries = f"{label.solver_queries:,} quer{'y' if label.solver_queries == 1 else 'ies'}"
    return (
        f"Sizes are symbols: z3 was asked {queries}, which stood for "
        f"{label.solver_stood_for:,} states, and the answers are for all sizes at once."
    )


# --- runs ----------------------------------------------------------------------------------------


def _row(key: str, ran: Ran, traces: Mapping[Trace, str]) -> Row:
    label = ran.result.label
    label_lines = shelf.take("formats", "text", "label_lines")
    command = shelf.take("formats", "text", "command")
    return Row(
        id=key,
        shows=ran.run.shows,
        settings=settings(label.changed),
        word=ran.result.outcome,
        mark=MARKS[ran.result.outcome],
        told=verdict(ran),
        label="\n".join(label_lines(ran.result)),
        again=command(label),
        proposed=ran.run.proposed,
        cases=tuple(_cases(ran, traces)),
        prevented=_prevented(ran),
    )


def _prevented(ran: Ran) -> Prevented | None:
    found = ran.prevention
    if found is None:
        return None
    given = "".join(f" -D {name}={value}" for name, value in ran.result.label.changed)
    only = "" if ran.run.prevent == "primitives" else " --no-primitives"
    return Prevented(
        tuple(change_told(change) for change in found.enough),
        tried_told(found),
        f"kmcheck prevent {ran.result.label.path}{given}{only}",
    )


def _cases(ran: Ran, traces: Mapping[Trace, str]) -> Iterator[Case]:
    for found in ran.violated:
        trace = found.trace
        drawn = image(_drawn(trace, "sequence")) if ran.run.picture else ""
        table = _drawn(trace, "columns").rstrip("\n")
        yield Case(sentence(trace.violation), table, drawn, traces[trace])


def _drawn(trace: Trace, picture: str) -> str:
    renderer: Renderer = shelf.take("render", picture, "RENDERER")
    return str(renderer.render(trace, RenderOptions()))


def image(svg: str) -> str:
    """Return a picture as an address that holds it: its styles do not meet those of the page."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


# --- what carries load, sweeps -------------------------------------------------------------------


def _mutants(one: Studied) -> str:
    """Return how many mutants break it, and of what, if that is not what was proposed."""
    if one.necessity is not None:
        changed = one.necessity.result.label.changed
        proposed = next((ran for ran in one.runs if ran.run.proposed), one.runs[0])
        counted = carried(one.necessity)
        if changed == proposed.result.label.changed:
            return counted
        return f"{counted}, with {settings(changed) or 'the settings of the spec'}"
    return "not asked for" if one.design.mutants is None else "it does not hold itself"


def _carries(one: Studied) -> Carries | None:
    found = one.necessity
    if found is None or one.design.mutants is None:
        return None
    label = found.result.label
    rows = tuple(
        (
            f"{o.mutator}: {o.what}",
            o.line,
            without(o),
            "" if o.steps is None else str(o.steps),
            MARKS.get(o.verdict, ""),
        )
        for o in order(found.outcomes)
    )
    given = "".join(f" -D {name}={value}" for name, value in label.changed)
    again = f"kmcheck mutate {label.path}{given}{_limited(one.design.mutants.max_states)}"
    return Carries(carried(found), settings(label.changed), rows, tuple(unbroken(found)), again)


def _swept(one: Studied) -> Swept | None:
    found, asked = one.sweep, one.design.sweep
    if found is None or asked is None:
        return None
    along = any(axis.is_bound and len(axis.values) > 1 for axis in found.axes)
    given = "".join(f" -D {name}={value}" for name, value in asked.values.items())
    return Swept(
        tuple(heads(found, times=False)),
        tuple(tuple(row(cell, times=False)) for cell in found.cells),
        tuple(states_told(line) for line in found.lines if line.states is not None),
        image(draw(_states(found))) if along else "",
        f"kmcheck sweep {one.design.spec}{given}{_limited(asked.max_states)}",
    )


def _limited(states: int | None) -> str:
    return "" if states is None else f" --max-states {states}"


def _states(found: Sweep) -> Chart:
    """Return the chart without the panel of times, which vary."""
    whole = chart(found)
    return replace(whole, panels=whole.panels[:1])
