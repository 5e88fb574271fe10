"""A transition system: a program, how many of everything there are, and where it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kmcheck.diagnostics import Diagnostic, Span, SpecError
from kmcheck.ir.expr import Const, Expr, Op, Slots
from kmcheck.ir.layout import MOST_SLOTS, Layout, Sizing, TooLarge
from kmcheck.ir.program import Program
from kmcheck.ir.stubborn import Stubborn
from kmcheck.ir.symmetry import Symmetry
from kmcheck.residual import Residual
from kmcheck.semantics import BoundReached, Fault, Machine, State, Undecided
from kmcheck.solver import Undecided as SolverUndecided

MOST = 64
"""Objects of a kind, or instances of a process, that setup may make."""

MOST_INITIAL = 10_000
"""States that setup's choices may lead to."""


@dataclass(frozen=True, slots=True)
class TransitionSystem:
    """What is explored. `initial` pairs setup's choices with the state that they lead to.

    With a `symmetry`, a state stands for all that its permutations make of it. With `stubborn`,
    only some of the steps out of a state are explored.
    """

    program: Program
    layout: Layout
    initial: tuple[tuple[tuple[int, ...], State], ...]
    symmetry: Symmetry | None = None
    stubborn: Stubborn | None = None


def recoded(system: TransitionSystem, program: Program) -> TransitionSystem:
    """Return a system with other code for the same states: the layout's map does not change."""
    layout = Layout(program, system.layout.sizing)
    return replace(system, program=program, layout=layout)


def build(program: Program, decide: Callable[[Residual], bool]) -> TransitionSystem:
    """Run setup to see how many objects and processes there are, and where all begins.

    Raises:
        SpecError: setup fails, does not end, or makes too much.
    """
    try:
        return _build(program, decide)
    except FailsAtStart as failing:
        return build(_with_first_step(program, failing.process), decide)
    except TooLarge:
        title = f"a state would hold more than {MOST_SLOTS:,} values"
        hint = "there are too many objects, or too many fields and variables: lower the bounds"
        raise _refused("K096", title, program.templates["setup"].span, "", hint) from None


class FailsAtStart(Exception):  # noqa: N818
    """A process fails before its first step, while setup starts it."""

    def __init__(self, process: str) -> None:
        super().__init__(process)
        self.process = process


def _with_first_step(program: Program, name: str) -> Program:
    """Return a program in which what a process does before its first access is a step.

    Where that goes wrong there is a run to show then, and nothing else comes of it.
    """
    template = program.templates[name]
    blocks = list(template.blocks)
    blocks[template.entry] = replace(blocks[template.entry], cut=True)
    changed = replace(template, blocks=tuple(blocks))
    return replace(program, templates={**program.templates, name: changed})


def _build(program: Program, decide: Callable[[Residual], bool]) -> TransitionSystem:
    # which CPUs there are is known when all processes are started: until then, all that may be
    trial = Sizing(dict.fromkeys(program.kinds, 4), _instances(program, 4), MOST)
    layout, initial = _tried(program, trial, decide)
    sizing = _fitting(layout, program, initial)
    final, beginning = _tried(program, sizing, decide, by=1)  # what setup has ended needs room too
    return TransitionSystem(program, final, tuple(beginning))


def _tried(
    program: Program, trial: Sizing, decide: Callable[[Residual], bool], by: int = 0
) -> tuple[Layout, list[tuple[tuple[int, ...], State]]]:
    """Run setup with more and more room, `by` more or (0) twice as much, until there is enough."""
    while True:
        layout = Layout(program, trial)
        try:
            return layout, _initial(Machine(layout, decide), program)
        except BoundReached as reached:
            trial = _grown(trial, reached, by)


def _initial(machine: Machine, program: Program) -> list[tuple[tuple[int, ...], State]]:
    span = program.templates["setup"].span
    found = []
    try:
        for tried, (choices, state) in enumerate(machine.initial()):
            if state is not None:
                found.append((choices, state))
            if tried >= MOST_INITIAL:
                title = f"setup has more than {MOST_INITIAL:,} ways through it"
                hint = "let it choose among less, or lower the bounds"
                raise _refused("K090", title, span, "", hint)
    except Fault as fault:
        if fault.starting:
            raise FailsAtStart(fault.starting) from None
        title = f"setup fails: {fault.message or fault.kind}"
        raise _refused("K091", title, _called(program, fault.span), fault.kind) from None
    except Undecided as undecided:
        title = "setup goes on in a way that depends on the sizes"
        raise _refused("K094", title, undecided.span, "undecided") from None
    except SolverUndecided as undecided:
        title = f"setup checks what the solver cannot decide: {undecided}"
        raise _refused("K094", title, span) from None
    if not found:
        title = "setup leads to no state: it chooses among nothing"
        raise _refused("K092", title, span)
    return found


def _called(program: Program, span: Span) -> Span:
    """Return where the user's own code got to a piece of the library that setup failed in."""
    if not span.source.module:
        return span
    for block in program.templates["setup"].blocks:
        if any(instruction.span == span for instruction in block.instructions):
            own = [call.span for call in block.calls if not call.span.source.module]
            return own[-1] if own else span
    return program.templates["setup"].span


def _refused(code: str, title: str, span: Span, label: str = "", hint: str = "") -> SpecError:
    return SpecError((Diagnostic(code, title, span, label, hint),))


def _instances(program: Program, number: int) -> dict[str, int]:
    return {
        name: number for name, t in program.templates.items() if t.role in ("process", "daemon")
    }


def _grown(trial: Sizing, reached: BoundReached, by: int) -> Sizing:
    """Return a sizing with room for more of what there were too few: `by`, or twice as many."""
    for counts in (trial.dynamic, trial.instances):
        if reached.what in counts:
            if counts[reached.what] >= MOST:
                title = f"setup makes more than {MOST} of {reached.what}"
                hint = "is there a loop that does not end? Otherwise lower its bounds"
                raise _refused("K093", title, reached.span, "", hint)
            more = {**counts, reached.what: counts[reached.what] + (by or counts[reached.what])}
            if counts is trial.dynamic:
                return replace(trial, dynamic=more)
            return replace(trial, instances=more)
    title = f"setup needs more than there may be of {reached.what}"
    raise _refused("K093", title, reached.span)


def _fitting(
    layout: Layout, program: Program, initial: list[tuple[tuple[int, ...], State]]
) -> Sizing:
    """Return a sizing with as many as setup made, or as the spec's limits say."""
    dynamic, instances = {}, {}
    for name, kind in program.kinds.items():
        base, room = layout.life[name], layout.sizing.dynamic[name]
        made = max(sum(1 for i in range(room) if state[base + i]) for _, state in initial)
        dynamic[name] = made if kind.limit is None else max(made, _evaluate(kind.limit, {}))
    sizing = Sizing(dynamic, _instances(program, 0), _cpus(layout, initial))
    before = Layout(program, sizing)
    pools = {name: before.pool(name) for name in program.kinds}
    for name in layout.processes:
        limit = program.templates[name].limit
        base, room = layout.pc[name], layout.instances(name)
        made = max(sum(1 for i in range(room) if state[base + i]) for _, state in initial)
        instances[name] = made if limit is None else max(made, _evaluate(limit, pools))
    return Sizing(dynamic, instances, sizing.cpus)


def _cpus(layout: Layout, initial: list[tuple[tuple[int, ...], State]]) -> int:
    found = 0
    for name in layout.processes:
        slot = layout.variables.get((name, "@cpu"))
        if slot is not None:
            for _, state in initial:
                found = max([found, *(state[slot + i] for i in range(layout.instances(name)))])
    return found + 1


def _evaluate(limit: Expr, pools: dict[str, int]) -> int:
    match limit:
        case Const(value):
            return int(value)  # type: ignore[arg-type]
        case Slots(kind):
            return pools.get(kind, 0)
        case Op(name="add", args=(a, b)):
            return _evaluate(a, pools) + _evaluate(b, pools)
        case Op(name="mul", args=(a, b)):
            return _evaluate(a, pools) * _evaluate(b, pools)
    raise AssertionError(limit)
