"""Coverage: each line of a spec, whether it was run, and what of it was not.

Reductions make no difference: none takes a step away that a run comes to. A search that ended early
has not come to all of them, and says so.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from kmcheck.diagnostics import Source, Span
from kmcheck.exercised import IDLE, STEP, Noted, is_started, noted
from kmcheck.ir.code import Block, Branch
from kmcheck.ir.exercise import Exercised
from kmcheck.ir.program import Program
from kmcheck.semantics import Machine
from kmcheck.solver import Solver
from kmcheck.system import build
from kmcheck.verdict import Label, Result, Violated

Mark = Literal["run", "partly", "never", "left out", ""]
"""Of a line: all of it was run, some, nothing; the settings leave it out; there is no code."""

UNASKED, UNLOOKED = "is never asked for", "is never looked at"


WORDS = {"steps": "steps", "arms": "arms of branches", "options": "options of choices"}
"""What is counted."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What was not run on a line, and the column where it begins, counted from 1."""

    column: int
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a spec."""

    number: int
    text: str
    mark: Mark
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something there are, and how many of them were run."""

    run: int
    all: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A file of a spec, line by line."""

    path: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was run of a spec with one setting.

    `stopped` says why not all was explored; empty if all was. `counts` are of the spec's own code:
    steps, arms of branches, options of choices; `library` counts steps of each module of kmcheck's.
    """

    label: Label
    files: tuple[Listing, ...]
    counts: dict[str, Count]
    library: dict[str, Count]
    stopped: str
    violated: tuple[str, ...]
    """What was violated: runs that end so are among those that were run."""

    @property
    def told(self) -> str:
        """The counts in words; what there is none of is left out."""
        counts = self.counts.items()
        return ", ".join(f"{c.run} of {c.all} {WORDS[what]}" for what, c in counts if c.all)

    @property
    def uncovered(self) -> tuple[tuple[str, Line], ...]:
        """The lines on which something was not run, each with its file."""
        return tuple(
            (listing.path, line)
            for listing in self.files
            for line in listing.lines
            if line.mark in ("never", "partly")
        )


def covered(program: Program, result: Result) -> Coverage:
    """Return what was run of a program, given what came of verifying it.

    Raises:
        SpecError: its setup fails.
    """
    ran = _with_setup(program, result.label.statistics.exercised)
    seen: dict[tuple[str, Span], Noted] = {}
    lines: dict[tuple[Source, int], bool] = {}
    idle = [span for _, span in program.idle]
    for name, template in program.templates.items():
        for one in noted(template, ran[name]):
            known = seen.get((one.what, one.span))
            seen[one.what, one.span] = one if known is None or one.run else known
        started = is_started(program, name, ran)
        places = [(template.span, started)] if not template.span.source.module else []
        for number, block in enumerate(template.blocks):
            run = bool(ran[name].blocks[number])
            places += [(span, run) for span in _places(block) if span != template.span]
        for span, run in places:
            lines[span.source, span.line] = lines.get((span.source, span.line), False) or run
        if not started and not template.span.source.module:
            idle.append(template.span)
    missed = [
        *_missed(seen.values()),
        *((span, IDLE) for span in idle),
        *_unasked(program, result),
    ]
    sources = dict.fromkeys([program.source, *(source for source, _ in lines)])
    files = tuple(
        Listing(source.path, tuple(_lines(source, lines, missed, program))) for source in sources
    )
    own = [one for one in seen.values() if not one.span.source.module]
    counts = {
        "steps": _count(one for one in own if one.what == STEP),
        "arms": _count(one for one in own if one.what.startswith("is never")),
        "options": _count(one for one in own if one.what.startswith("never ")),
    }
    modules = sorted({o.span.source.module for o in seen.values()} - {""})
    library = {
        module: _count(
            o for o in seen.values() if o.what == STEP and o.span.source.module == module
        )
        for module in modules
    }
    violated = tuple(v.property for v in result.verdicts if isinstance(v, Violated))
    return Coverage(result.label, files, counts, library, _stopped(result), violated)


def _stopped(result: Result) -> str:
    if result.label.closed:
        return ""
    return result.label.stopped or "the search ended at the first violation"


def _with_setup(program: Program, exercised: Mapping[str, Exercised]) -> dict[str, Exercised]:
    """Return what was run, by setup and by processes while they are started, too.

    A search begins behind that.
    """
    solver = Solver()
    machine = Machine(build(program, solver.holds).layout, solver.holds)
    for _ in machine.initial():
        pass
    found = {}
    for name, first in machine.exercised().items():
        later = exercised.get(name, first)
        found[name] = Exercised(
            _either(first.blocks, later.blocks),
            _either(first.arms, later.arms),
            _either(first.options, later.options),
        )
    return found


def _either(first: bytes, later: bytes) -> bytes:
    """Return what is noted in one or the other; behind the first one are a reduction's own."""
    return bytes(a | b for a, b in zip(first, later, strict=False))


def _places(block: Block) -> Iterator[Span]:
    """Yield where the code of a block is written, in the spec's own files."""
    spans = [instruction.span for instruction in block.instructions]
    if block.cut:
        spans.append(block.span)
    if isinstance(block.terminator, Branch):
        spans.append(block.terminator.span)
    if spans:
        spans += [call.span for call in block.calls]
    yield from (span for span in spans if not span.source.module)


def _count(found: Iterable[Noted]) -> Count:
    every = list(found)
    return Count(sum(one.run for one in every), len(every))


# --- what was missed -----------------------------------------------------------------------------


def _missed(found: Iterable[Noted]) -> Iterator[tuple[Span, str]]:
    for one in found:
        if not one.run and not one.span.source.module and (one.reached or one.what == STEP):
            yield one.span, "is never run" if one.what == STEP else one.what


def _unasked(program: Program, result: Result) -> Iterator[tuple[Span, str]]:
    """Yield the properties that were never asked for anything, and parts of others."""
    label = result.label
    for part in result.unmet:
        if not part.span.source.module:
            yield part.span, UNLOOKED
    for prop in program.properties:
        if label.statistics.judged.get(prop.name) == 0 and not prop.span.source.module:
            yield prop.span, UNASKED


# --- line by line --------------------------------------------------------------------------------


def _lines(
    source: Source,
    ran: Mapping[tuple[Source, int], bool],
    missed: list[tuple[Span, str]],
    program: Program,
) -> Iterator[Line]:
    marks: dict[int, Mark] = {p.span.line: "run" for p in program.properties if _is(p.span, source)}
    code = {line: run for (where, line), run in ran.items() if where == source}
    marks |= dict.fromkeys(_left_out(source, code, program), "left out")
    marks |= {line: "run" if run else "never" for line, run in code.items()}
    found: dict[int, list[Missed]] = {}
    for span, what in missed:
        if _is(span, source):
            found.setdefault(span.line, []).append(Missed(span.column, what, span.text))
    for number, text in enumerate(source.text.splitlines(), start=1):
        here = sorted(found.get(number, ()), key=lambda m: (m.column, m.what))
        mark = marks.get(number, "")
        if here and mark != "never":
            all_of_it = any(m.what in (IDLE, UNASKED) for m in here)
            mark = "never" if all_of_it else "partly"
        yield Line(number, text, mark, tuple(here))


def _is(span: Span, source: Source) -> bool:
    return span.source == source


def _left_out(source: Source, code: Collection[int], program: Program) -> Iterator[int]:
    """Yield the lines that are left out with these settings.

    That is a row of statements to which no way leads, or a function that nothing calls. What does
    nothing, such as a function that properties ask, is none of these.
    """
    left_out = {(s.line, s.column) for s in program.left_out if _is(s, source)}
    for node in ast.walk(ast.parse(source.text)):
        for field in ("body", "orelse"):
            part = getattr(node, field, None)
            for row in _rows(part, left_out) if isinstance(part, list) else ():
                yield from _range(row)
        if isinstance(node, ast.FunctionDef) and any(map(_does_something, node.body)):
            lines = _range(node.body)
            if not any(line in code for line in lines):
                yield from lines


def _rows(body: list[ast.stmt], wanted: Collection[tuple[int, int]]) -> Iterator[list[ast.stmt]]:
    """Yield statements of a body that are wanted, those one behind the other together."""
    for is_wanted, row in groupby(body, lambda s: (s.lineno, s.col_offset + 1) in wanted):
        if is_wanted:
            yield list(row)


def _does_something(statement: ast.stmt) -> bool:
    for node in ast.walk(statement):
        match node:
            case ast.Expr(value=ast.Call()):
                return True
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                return True
            case ast.AugAssign(target=ast.Attribute() | ast.Subscript()):
                return True
    return False


def _range(body: list[ast.stmt]) -> range:
    """Return the lines of some statements, one behind the other."""
    return range(body[0].lineno, (body[-1].end_lineno or 0) + 1)
