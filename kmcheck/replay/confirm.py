"""Replays a witness step by step in the reference semantics: it must end as was claimed."""

from __future__ import annotations

from typing import Any

from kmcheck.diagnostics import InternalError
from kmcheck.ir.code import Assign, Block, Call, Store
from kmcheck.ir.expr import Op
from kmcheck.ir.types import Counter, Ref, Type
from kmcheck.replay.names import Names
from kmcheck.replay.recorder import Note, Recorder, place_of
from kmcheck.replay.values import Camera, Values
from kmcheck.residual import Residual
from kmcheck.semantics import Blocked, BoundReached, Failure, Fault, Judge, Machine, State
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.trace import Event, Frame, ProcessView, Snapshot, Trace, Value, Violation
from kmcheck.verdict import Claim


def replay(
    system: TransitionSystem, claim: Claim, settings: tuple[tuple[str, str], ...], solver: Solver
) -> Trace:
    """Return the trace that a claim stands for.

    Raises:
        InternalError: the run is not one of the system's, or does not end in the violation.
    """
    teller = _Teller(system, solver)
    actors = [number for number, _ in claim.witness.steps]
    teller.start(claim.witness.initial, actors)
    initial = teller.snapshot()
    fault: Fault | None = None
    for at, (number, choices) in enumerate(claim.witness.steps):
        if fault is not None:
            raise InternalError(f"the witness goes on after a {fault.kind}")
        fault = teller.step(at + 1, number, choices)
    violation = teller.verdict(claim.violation, fault)
    program = system.program
    return Trace(
        program.name,
        program.digest,
        program.source.path,
        settings,
        initial,
        tuple(teller.events),
        violation,
        (claim.witness.initial, claim.witness.steps),
    )


class _Teller:
    """Tells a run while it is replayed."""

    def __init__(self, system: TransitionSystem, solver: Solver) -> None:
        self.system = system
        self.solver = solver
        self.layout = system.layout
        self.names = Names(self.layout)
        self.values = Values(self.layout, self.names)
        self.recorder = Recorder(self.layout, self.names, self.values)
        self.machine = Machine(self.layout, solver.holds, self.recorder)
        self.quiet = Machine(self.layout, solver.holds)
        """The same, unheard: to ask what could be done without its being told."""
        self.judge = Judge(self.layout, solver.holds)
        self.camera = Camera(self.layout, self.values)
        self.evaluators = {
            name: Evaluator(self.layout, name) for name in self.layout.program.templates
        }
        self.frames: dict[int, dict[int, Frame]] = {}
        self.order: list[int] = []
        """The processes, in the order in which they started."""
        self.events: list[Event] = []
        self.state: State = ()
        self.previous: State | None = None

    def start(self, initial: int, actors: list[int]) -> None:
        """Run setup, and name what it made."""
        if not 0 <= initial < len(self.system.initial):
            raise InternalError(
                f"the witness begins in initial state {initial}, which there is not"
            )
        choices, expected = self.system.initial[initial]
        self.state = self.machine.begin(choices)
        if self.state != expected:
            raise InternalError("setup leads to another state when it is replayed")
        self.recorder.in_setup = False
        self.names.setup(self.recorder.allocations)
        for kind, index, _ in self.recorder.allocations:
            self.names.sized(kind, index, self.state)
        self.names.renumber(actors)
        self.order = list(self.names.processes)
        self.order.sort(key=lambda n: int(self.names.processes[n][3:]))
        self._enter_frames()

    def step(self, number: int, actor: int, choices: tuple[int, ...]) -> Fault | None:
        """Take one step, and tell it as an event."""
        if not 0 <= actor < len(self.machine.actors):
            raise InternalError(f"step {number} is one of process {actor}, which there is not")
        before, block = self.state, self._block(actor)
        self.recorder.begin()
        fault: Fault | None = None
        try:
            after = self.machine.take(before, actor, choices)
        except Fault as found:
            fault, after = found, found.state or before
        except (Blocked, BoundReached):
            raise InternalError(f"step {number} is not enabled when it is replayed") from None
        if block is None:
            raise InternalError(f"step {number} is one of a process that is not running")
        frames = self._frames(actor, block)
        for kind, index in self.recorder.frees:
            self.camera.bury(before, self.layout.parts(kind, index))
            self.names.freed(kind, index)
        self.previous, self.state = before, after
        for kind, index, _ in self.recorder.allocations:
            self.names.sized(kind, index, after)
        self.order += [started for started in self.names.processes if started not in self.order]
        process = self._actor_name(actor)
        text, place = self._text(actor, block, fault)
        returned = self._returned(frames)
        self._enter_frames()
        accesses = tuple(note.access for note in self.recorder.notes)
        after_view = self.snapshot(running=actor)
        self.events.append(
            Event(
                number,
                process,
                frames,
                text,
                self._note(block),
                place,
                accesses,
                after_view,
                returned,
            )
        )
        return fault

    def _actor_name(self, actor: int) -> str:
        if actor < self.layout.process_count:
            return self.names.process(actor)
        return self.machine.actors[actor][0].rpartition(".")[2]

    def _text(self, actor: int, block: Block, fault: Fault | None) -> tuple[str, Any]:
        notes = [n for n in self.recorder.notes if not n.access.ghost]
        shown = _what_matters(notes)
        if fault is not None and fault.field:
            return self._attempt(actor, block, fault), place_of(fault.span)
        if fault is not None and fault.kind == "double-free" and fault.thing is not None:
            return f"kfree({self.names.of(*fault.thing, stale=True)})", place_of(fault.span)
        if fault is not None and not shown:
            return fault.span.text, place_of(fault.span)
        text = "; ".join(dict.fromkeys(n.text for n in shown)) or block.span.text
        return text, place_of(block.span)

    def _note(self, block: Block) -> str:
        """Return the comment beside a step: the spec's own, else which object a load came to."""
        shown = _what_matters([n for n in self.recorder.notes if not n.access.ghost])
        if block.note or len(shown) != 1 or shown[0].access.what != "load":
            return block.note
        after = shown[0].access.after
        return after.text if after is not None and (after.targets or after.text == "NULL") else ""

    def _attempt(self, actor: int, block: Block, fault: Fault) -> str:
        """Return the access that failed as C: what it would have done."""
        owner = "NULL" if fault.thing is None else self.names.of(*fault.thing, stale=True)
        member = f"{owner}{'.' if '->' in owner else '->'}{fault.field}"
        for instruction in block.instructions:
            if isinstance(instruction, Store) and instruction.span == fault.span:
                return self._attempted_store(actor, instruction, member)
            if (
                isinstance(instruction, Assign)
                and instruction.span == fault.span
                and instruction.var[0] != "@"
            ):
                return f"{instruction.var.partition('@')[0]} = {member}"
        return member

    def _attempted_store(self, actor: int, instruction: Store, member: str) -> str:
        name, instance, _, _ = self.machine.actors[actor]
        operator, operand = "=", instruction.value
        if isinstance(operand, Op) and operand.name in _ASSIGNING and len(operand.args) == 2:  # noqa: PLR2004
            operator, operand = _ASSIGNING[operand.name], operand.args[1]
        if isinstance(operand, Op) and operand.name == "form_size":
            operand = operand.args[0]
        try:
            value = self.evaluators[name].of(operand)(list(self.state), instance)
        except Fault:
            return member
        text = self.values.of(operand.type, value).text
        return (
            f"{operator}({text}, &{member})"
            if operator.isidentifier()
            else f"{member} {operator} {text}"
        )

    # --- frames ---------------------------------------------------------------------------------

    def _block(self, actor: int) -> Block | None:
        name, instance, _, _ = self.machine.actors[actor]
        at = self.state[self.layout.pc[name] + instance]
        return self.layout.program.templates[name].blocks[at - 1] if at else None

    def _enter_frames(self) -> None:
        """Note the calls that each process is inside of now, with their arguments' values."""
        for number in range(len(self.machine.actors)):
            block = self._block(number)
            known = self.frames.get(number, {})
            calls = block.calls if block is not None else ()
            self.frames[number] = {
                c.serial: known.get(c.serial) or self._frame(number, c) for c in calls
            }

    def _frame(self, number: int, call: Call) -> Frame:
        name, instance, _, _ = self.machine.actors[number]
        texts = []
        for argument in call.arguments:
            try:
                value = self.evaluators[name].of(argument)(list(self.state), instance)
                text = self.values.of(argument.type, value)
            except Fault:
                text = Value("...")
            embedded = bool(text.targets) and ("->" in text.text or "." in text.text)
            texts.append(f"&{text.text}" if embedded else text.text)
        return Frame(call.name, tuple(texts), call.module, call.serial, place_of(call.span))

    def _frames(self, actor: int, block: Block) -> tuple[Frame, ...]:
        known = self.frames[actor]
        return tuple(known[call.serial] for call in block.calls)

    def _returned(self, frames: tuple[Frame, ...]) -> tuple[tuple[int, str], ...]:
        found = []
        for function, value in self.recorder.returned:
            for frame in frames:
                if function.rpartition(".")[2] == frame.function:
                    found.append((frame.serial, value.text))
        return tuple(found)

    # --- snapshots ------------------------------------------------------------------------------

    def snapshot(self, running: int | None = None) -> Snapshot:
        """Return the state as a trace keeps it."""
        return Snapshot(
            self.camera.objects(self.state),
            tuple(self._process(number, running) for number in self.order),
        )

    def _process(self, number: int, running: int | None) -> ProcessView:
        name, instance = self.layout.process_of(number)
        template = self.layout.program.templates[name]
        block = self._block(number)
        variables = tuple(
            (
                variable.split("@")[0].rstrip("'"),
                self.values.of(kind, self.state[self.layout.variables[name, variable] + instance]),
            )
            for variable, kind in template.variables.items()
            if not variable.startswith("@") and block is not None and _in_scope(variable, block)
        )
        status = (
            "ended" if block is None else "running" if number == running else self._status(number)
        )
        frames = self._frames(number, block) if block is not None else ()
        place = place_of(block.span) if block is not None else None
        return ProcessView(
            self.names.process(number), name.rpartition(".")[2], status, place, variables, frames
        )

    def _status(self, number: int) -> str:
        try:
            return (
                "ready" if next(iter(self.quiet.steps_of(self.state, number)), None) else "blocked"
            )
        except BoundReached:
            return "ready"

    # --- the end --------------------------------------------------------------------------------

    def verdict(self, violation: str, fault: Fault | None) -> Violation:
        """Return the violation, found again at the end of the run."""
        if fault is not None:
            if fault.kind != violation:
                raise InternalError(
                    f"the witness was to end in {violation}, and ends in {fault.kind}"
                )
            return self._fault(fault)
        for prop in self.layout.program.properties:
            if prop.name == violation:
                return self._property(violation)
        if violation == "deadlock" and self._is_stuck():
            return Violation("deadlock", "no process can go on, and not all have ended")
        if violation == "leak":
            leaked = self.judge.leaked(self.state)
            if leaked is not None and self.judge.all_ended(self.state):
                name = self.names.of(*leaked)
                return Violation(
                    "leak", f"all have ended, and nothing leads to {name} any more", name
                )
        try:
            list(self.judge.failing(self.state, self.previous))
        except Fault as found:
            if found.kind == violation:
                return self._fault(found)
        raise InternalError(f"the witness was to end in {violation}, and does not")

    def _is_stuck(self) -> bool:
        try:
            moves = next(iter(self.quiet.successors(self.state)), None)
        except BoundReached:
            return False
        return moves is None and not self.judge.all_ended(self.state)

    def _fault(self, fault: Fault) -> Violation:
        thing = (
            None if fault.thing is None else self.names.of(*fault.thing, stale=fault.kind in _STALE)
        )
        thing = _root(thing) if fault.kind in _STALE else thing
        cause = self._last(lambda a: a.what == "free" and a.thing == thing, before=len(self.events))
        source = self._source(thing)
        sizes, told = self._sizes(fault.residual, fault.thing)
        message = fault.message + told
        return Violation(fault.kind, message, thing, cause, source, sizes, place_of(fault.span))

    def _source(self, thing: str | None) -> int | None:
        """Return the event in which the process of the last event got hold of a pointer to `thing`."""
        if thing is None or not self.events:
            return None
        process = self.events[-1].process
        owned = (thing, _root(thing))
        for event in reversed(self.events[:-1]):
            if event.process == process and any(
                a.what == "load" and a.after is not None and set(owned) & set(a.after.targets)
                for a in event.accesses
            ):
                return event.number
        return None

    def _last(self, wanted: Any, before: int) -> int | None:
        for event in reversed(self.events[:before]):
            if any(wanted(access) for access in event.accesses):
                return event.number
        return None

    def _property(self, name: str) -> Violation:
        prop = next(p for p in self.layout.program.properties if p.name == name)
        failure = self.judge.test(prop, self.state, self.previous)
        due = [p.name for p in self.judge.due(self.state, stepped=self.previous is not None)]
        if failure is None or name not in due:
            raise InternalError(f"the witness was to violate {name}, and does not")
        return self._failed(failure)

    def _failed(self, failure: Failure) -> Violation:
        shown, things = [], []
        for (_, _, domain), value in zip(
            failure.property.parameters, failure.bindings, strict=True
        ):
            element: Type = domain.type.element  # type: ignore[union-attr]
            shown.append(self.values.of(element, value).text)
            if isinstance(element, Ref):
                things.append((element.kind, (value >> 1) - 1))
        at = f"({', '.join(shown)})" if shown else ""
        thing = things[0] if things else None
        sizes, told = self._sizes(failure.residual, thing)
        message = f"{failure.property.name}{at} does not hold{told}"
        name = self.names.of(*thing) if thing is not None else None
        return Violation(
            failure.property.name, message, name, None, None, sizes, place_of(failure.property.span)
        )

    def _sizes(
        self, residual: Residual, thing: tuple[str, int] | None
    ) -> tuple[tuple[tuple[str, int], ...], str]:
        """Return sizes for which a law fails, and what the counters of `thing` are then."""
        if isinstance(residual, bool):
            return (), ""
        model = self.solver.counterexample(residual)
        sizes = tuple((self.names.symbol(symbol), value) for symbol, value in sorted(model.items()))
        told = ", ".join(f"{name} = {value}" for name, value in sizes)
        counters = "; ".join(self._counters(thing, model)) if thing is not None else ""
        return sizes, f": {told}" + (f": {counters}" if counters else "")

    def _counters(self, thing: tuple[str, int], model: dict[int, int]) -> list[str]:
        found = []
        for kind, index in self.layout.parts(*thing):
            for name, info in self.layout.program.kinds[kind].fields.items():
                if isinstance(info.type, Counter):
                    form = self.state[self.layout.fields[kind, name] + index]
                    value = form[0] + sum(c * model.get(i, 1) for i, c in enumerate(form) if i)
                    owner = self.names.of(kind, index)
                    found.append(f"{owner}{'.' if '->' in owner else '->'}{name} = {value}")
        return found


_ASSIGNING = {
    "form_add": "+=",
    "form_sub": "-=",
    "add": "+=",
    "sub": "-=",
    "with": "list_add",
    "list_append": "list_add",
    "remove": "list_del",
    "without": "list_del",
    "list_remove": "list_del",
}
_STALE = {"use-after-free", "double-free"}


def _root(name: str | None) -> str | None:
    return None if name is None else name.partition("->")[0]


def _what_matters(notes: list[Note]) -> list[Note]:
    """Return the accesses that a row shows: changes if there are any, else loads."""
    changes = [n for n in notes if n.access.what != "load"]
    return _moved(changes) or notes[-1:]


def _moved(changes: list[Note]) -> list[Note]:
    """Return changes with a list_del() and the list_add() behind it told as one list_move()."""
    told: list[Note] = []
    for note in changes:
        item, _, target = note.text.removeprefix("list_add(").partition(", ")
        last = told[-1].text if told else ""
        if note.text.startswith("list_add(") and last.startswith(f"list_del({item}, "):
            told[-1] = Note(note.access, f"list_move({item}, {target}", note.span)
        else:
            told.append(note)
    return told


def _in_scope(variable: str, block: Block) -> bool:
    _, _, function = variable.partition("@")
    return not function or any(call.function == function.rstrip("'") for call in block.calls)
