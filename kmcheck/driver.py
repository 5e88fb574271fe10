"""The story on one page: read, compile, build, search, replay, decide."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from kmcheck import __version__, shelf
from kmcheck.audit import REFERENCE, Said, audit
from kmcheck.diagnostics import Source, UsageError
from kmcheck.frontend import compile_spec
from kmcheck.frontend.hints import ASKED, did_you_mean
from kmcheck.frontend.lock_order import UNCHECKED, learnt, spelled
from kmcheck.frontend.settings import Wanted, spell
from kmcheck.ir.code import Check
from kmcheck.ir.program import BUILT_IN, DATA_RACE, ENDLESS, LIVENESS, LOCK_ORDER, Program
from kmcheck.learning import order_of_locks
from kmcheck.protocols import Engine, Progress, Question, Reduction
from kmcheck.replay import replay
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.telling import Telling, Unlike
from kmcheck.trace import Trace
from kmcheck.verdict import (
    ALL,
    Budget,
    Claim,
    Finding,
    Holds,
    Label,
    Result,
    Unknown,
    Verdict,
    Violated,
    Witness,
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to verify: plainly, with the reference engine and no reductions, unless told otherwise.

    `properties` names properties and built-in violations; none is all.
    """

    settings: Wanted = field(default_factory=dict)
    properties: tuple[str, ...] = ()
    engine: str = REFERENCE
    budget: Budget = field(default_factory=Budget)
    every: bool = False
    without: frozenset[str] = ALL
    """Reductions to leave out, by name; `all` leaves out every one."""
    endless: bool = False
    """Whether to look for livelock and starvation, too: asked for anyway where the spec has a
    property of runs that never end, and somebody wants it."""
    races: bool = False
    """Whether to look for data races, too."""
    audit: bool = False
    """Whether a second engine explores the same, and has to find the same."""
    readable: bool = True
    """Whether somebody is to read the runs: then one that changes processes the least is looked
    for, and the step behind which nothing helps."""


def verify(
    source: Source, options: Options, report: Callable[[Progress], None] = lambda _: None
) -> Result:
    """Verify a spec: explore it, and replay every violation that the engine claims.

    Raises:
        SpecError: the spec is wrong.
        UsageError: a setting, a property or the engine is not there.
        InternalError: the engine claims what the reference semantics refuses, or an audit what
            another engine does.
    """
    began = time.perf_counter()
    program = compile_spec(source, options.settings)
    if options.properties and LOCK_ORDER in set(violations(program)) - {*options.properties}:
        program = _ordered(source, options.settings, UNCHECKED)
        return _verify(program, UNCHECKED, options, began, report)
    late = began + (math.inf if options.budget.seconds is None else options.budget.seconds)
    program, edges = order_of_locks(program, options.settings, lambda: time.perf_counter() > late)
    while True:
        result = _verify(program, spelled(edges), options, began, report)
        known, edges = edges, learnt(program, result.verdicts, edges)
        if edges == known:
            return result
        program = _ordered(source, options.settings, spelled(edges))
        # another search than that of a checkpoint
        checkpoints = replace(options.budget.checkpoints, resume=None)
        options = replace(options, budget=replace(options.budget, checkpoints=checkpoints))


def _verify(
    program: Program,
    order: str,
    options: Options,
    began: float,
    report: Callable[[Progress], None],
) -> Result:
    """Verify a program that takes its locks in the order that is spelled."""
    solver = Solver()
    wanted = frozenset(options.properties) or None
    endless = options.endless or _is_about_runs(program, wanted)
    races = options.races or (wanted is not None and DATA_RACE in wanted)
    known = (*violations(program), *(LIVENESS if endless else ()), *((DATA_RACE,) * races))
    _refuse_unknown(options, (*known, *LIVENESS, DATA_RACE))
    system = build(program, solver.holds)
    engine: Engine = shelf.take("engines", options.engine, "ENGINE")
    question = Question(wanted, options.every, endless, races)
    reduced, notes = reduce(system, question, options.without)
    budget = _since(options.budget, began)
    budget = _identified(budget, program, question, notes, order)
    finding = engine.search(reduced, question, solver, budget, report)
    solved = solver.queries, solver.stood_for
    audited = ""
    if options.audit:
        said = Said(options.engine, finding)
        audited = audit(said, reduced, question, options.budget, report)
    settings = tuple((s.name, spell(s)) for s in program.settings)
    settings += ((LOCK_ORDER, order),) if order else ()
    left = _since(options.budget, began)
    telling = Telling(system, engine, question, left, solver, settings, options.readable)
    try:
        shown = telling.shown(reduced, finding, report)
    except Unlike:
        notes = ()
        finding = telling.whole(finding, report)
        shown = telling.shown(system, finding, report)
    verdicts = _verdicts(
        [name for name in known if wanted is None or name in wanted], finding, shown
    )
    label = _label(program, options, notes, finding, solved, endless=endless)
    label = replace(label, audit=audited)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Result(verdicts, label, time.perf_counter() - began, peak)


def _is_about_runs(program: Program, wanted: frozenset[str] | None) -> bool:
    """Tell whether something is asked that only runs which never end can answer."""
    own = {p.name for p in program.properties if p.when in ENDLESS}
    return bool(own if wanted is None else wanted & {*own, *LIVENESS})


def _identified(
    budget: Budget, program: Program, question: Question, notes: tuple[str, ...], order: str
) -> Budget:
    """Return the budget with what a checkpoint has to be of."""
    identity = {
        "version of kmcheck": __version__,
        "spec": program.name,
        "digest": program.digest,
        "settings": {s.name: spell(s) for s in program.settings},
        "order of locks": order,
        "properties": None if question.wanted is None else sorted(question.wanted),
        "--all": question.every,
        "--endless": question.endless,
        "--races": question.races,
        "reductions": list(notes),
    }
    return replace(budget, checkpoints=replace(budget.checkpoints, identity=identity))


def reduce(
    system: TransitionSystem, question: Question, without: Collection[str]
) -> tuple[TransitionSystem, tuple[str, ...]]:
    """Return a system with less to explore, and what each reduction did to get there."""
    if "all" in without:
        return system, ()
    names = [name for name in shelf.names("reduce") if name not in without]
    shelved: list[Reduction] = [shelf.take("reduce", name, "REDUCTION") for name in names]
    if question.endless:
        shelved = [r for r in shelved if r.endless]
    if question.races:  # each may take away an access
        shelved = []
    notes: list[str] = []
    for reduction in sorted(shelved, key=lambda r: r.order):
        reduced = reduction.reduce(system, question)
        system = reduced.system
        if reduced.note is not None:
            notes.append(f"{reduction.name} ({reduced.note})")
    return system, tuple(notes)


def _since(budget: Budget, began: float) -> Budget:
    """Return a budget of which some time has been spent."""
    return replace(budget, spent=time.perf_counter() - began)


def violations(program: Program) -> tuple[str, ...]:
    """Return the names of all that can be violated: built-in, the primitives' own, the spec's."""
    checked = {
        instruction.violation
        for template in program.templates.values()
        for block in template.blocks
        for instruction in block.instructions
        if isinstance(instruction, Check)
    }
    own = [p.name for p in program.properties]
    return (*own, *BUILT_IN, *sorted(checked - set(BUILT_IN)))


def unordered(source: Source, settings: Wanted) -> Program:
    """Compile a spec without an order of locks: that is learnt, by one search after the other."""
    program = compile_spec(source, settings)
    if LOCK_ORDER in violations(program) and LOCK_ORDER not in settings:
        return _ordered(source, settings, UNCHECKED)
    return program


def _ordered(source: Source, settings: Wanted, order: str) -> Program:
    """Compile a spec for an order of its locks."""
    return compile_spec(source, {**settings, LOCK_ORDER: order})


def again(source: Source, trace: Trace) -> Trace:
    """Replay a stored trace, and return it as it is told now.

    Raises:
        InternalError: it does not reproduce.
    """
    solver = Solver()
    program = compile_spec(source, dict(trace.settings))
    initial, steps = trace.witness
    claim = Claim(trace.violation.kind, Witness(initial, steps, trace.loop_at))
    return replay(build(program, solver.holds), claim, trace.settings, solver)


def _refuse_unknown(options: Options, known: tuple[str, ...]) -> None:
    if options.engine not in shelf.names("engines"):
        hint = did_you_mean(options.engine, shelf.names("engines"))
        raise UsageError(f"there is no engine `{options.engine}`", hint)
    reductions = (*shelf.names("reduce"), *ALL)
    for name in sorted(options.without):
        if name not in reductions:
            raise UsageError(
                f"there is no reduction `{name}`", did_you_mean(name, (*reductions, "none"))
            )
    for name in options.properties:
        if name not in known:
            raise UsageError(f"the spec has no property `{name}`", did_you_mean(name, known, ASKED))


def _verdicts(
    names: list[str], finding: Finding, shown: dict[str, Violated]
) -> tuple[Verdict, ...]:
    found: list[Verdict] = []
    undefined = dict(finding.undefined)
    for name in dict.fromkeys([*shown, *names]):
        if name in shown:
            found.append(shown[name])
        elif finding.stopped is not None:
            found.append(Unknown(name, finding.stopped))
        elif finding.claims and not finding.complete:
            found.append(Unknown(name, "the search ended at the first violation"))
        elif name in finding.skipped:
            found.append(Unknown(name, "not looked at behind the first violation"))
        elif name in undefined:
            found.append(Unknown(name, f"evaluating it ends in {undefined[name]}"))
        else:
            found.append(Holds(name, finding.omission or 0.0))
    return tuple(found)


def _label(
    program: Program,
    options: Options,
    notes: tuple[str, ...],
    finding: Finding,
    solver: tuple[int, int],
    *,
    endless: bool,
) -> Label:
    return Label(
        spec=program.name,
        path=program.source.path,
        digest=program.digest,
        bounds=tuple((s.name, spell(s)) for s in program.settings if s.kind == "bound"),
        choices=tuple((s.name, spell(s)) for s in program.settings if s.kind == "choice"),
        changed=tuple((s.name, spell(s)) for s in program.settings if s.value != s.default),
        properties=tuple(p.name for p in program.properties),
        engine=options.engine,
        reductions=notes,
        left_out=tuple(sorted(options.without)),
        exact=not finding.omission,
        memory_model="sequential consistency",
        statistics=finding.statistics,
        stopped=finding.stopped,
        solver_queries=solver[0],
        solver_stood_for=solver[1],
        version=__version__,
        omission=finding.omission,
        liveness=options.endless,
        races=options.races,
        wanted=options.properties,
        every=options.every,
        closed=finding.complete,
        limits=tuple((what, program.limit(what)) for what in finding.statistics.bound_reached),
        budget=options.budget if finding.stopped else None,
        fairness=_fairness(program) if endless else "",
    )


def _fairness(program: Program) -> str:
    """Return who is not left out for ever, in a run that never ends."""
    templates = [t for t in program.templates.values() if t.role != "setup"]
    named = {
        how: ", ".join(t.name.rpartition(".")[2] for t in templates if t.fair == how)
        for how in ("strong", "none")
    }
    weak = "weak: who can always go on does"
    strong = f"strong for {named['strong']}: whoever can again and again does"
    none = f"none for {named['none']}: may stop anywhere"
    return "; ".join(
        text
        for text, there in ((weak, True), (strong, named["strong"]), (none, named["none"]))
        if there
    )
