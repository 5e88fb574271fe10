"""Tells a run while it is replayed: each step becomes an event."""

from __future__ import annotations

from kmcheck.diagnostics import InternalError
from kmcheck.ir.code import Block
from kmcheck.replay.names import Names
from kmcheck.replay.recorder import Recorder, place_of
from kmcheck.replay.rows import Rows
from kmcheck.replay.stacks import Stacks
from kmcheck.replay.values import Camera, Values
from kmcheck.semantics import Blocked, BoundReached, Fault, Machine, State, Undecided
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.trace import Event, Frame, ProcessView, Snapshot

Told = tuple[tuple[int, str], ...]
"""Serials of frames, and something about each."""

LIBRARY = "kmcheck.kernel."
"""Where primitives come from."""


class Teller:
    """A run under way. `state` is where it is, `previous` where it was before the last step."""

    def __init__(self, system: TransitionSystem, solver: Solver) -> None:
        self.system = system
        self.layout = system.layout
        self.names = Names(self.layout)
        self.values = Values(self.layout, self.names)
        self.recorder = Recorder(self.layout, self.names, self.values)
        self.machine = Machine(self.layout, solver.holds, self.recorder)
        self.quiet = Machine(self.layout, solver.holds)
        """The same, unheard: to ask what could be done without its being told."""
        self.camera = Camera(self.layout, self.values)
        actors = [(name, instance) for name, instance, _, _ in self.machine.actors]
        self.stacks = Stacks(self.layout, self.values, actors)
        self.rows = Rows(self.recorder, self.stacks)
        self.order: list[int] = []
        """The processes, in the order in which they started."""
        self.events: list[Event] = []
        self.initial = Snapshot((), ())
        self.actor = 0
        """Whose step was the last."""
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
        for kind in self.layout.program.kinds:
            for index in range(self.layout.pool(kind)):
                if self.layout.life_slot(kind, index) is None:
                    self.names.sized(kind, index, self.state)
        self.names.renumber(actors)
        self.order = list(self.names.processes)
        self.order.sort(key=lambda n: int(self.names.processes[n][3:]))
        self.names.bind(self.state)
        self.stacks.enter(self.state)
        self.initial = self.snapshot()

    def step(self, number: int, actor: int, choices: tuple[int, ...]) -> Fault | None:
        """Take one step, and tell it as an event; return the violation that it ends in, if any."""
        if not 0 <= actor < len(self.machine.actors):
            raise InternalError(f"step {number} is one of process {actor}, which there is not")
        before, block = self.state, self.stacks.block(self.state, actor)
        if block is None:
            raise InternalError(f"step {number} is one of a process that is not running")
        fault = self._take(number, actor, choices)
        failed_at = fault.state if fault is not None else None
        text, place = self.rows.text(failed_at or before, actor, block, fault)
        frames = self.stacks.of(actor, block)
        if actor >= self.layout.process_count:
            frames = self.stacks.chosen(actor, block, self.recorder.choices)
        returned, kept = self._values(frames, actor, block)
        self._learn(before)
        self.stacks.follow(actor, self.recorder.way, None if fault else self.state)
        self.stacks.enter(self.state)
        self.events.append(
            Event(
                number,
                self._name(actor),
                frames,
                text,
                self.rows.note(block),
                place,
                tuple(note.access for note in self.recorder.notes),
                self.snapshot(running=actor),
                returned,
                kept,
            )
        )
        return fault

    def _take(self, number: int, actor: int, choices: tuple[int, ...]) -> Fault | None:
        self.recorder.begin()
        self.actor = actor
        self.previous = self.state
        found: Fault | None = None
        try:
            self.state = self.machine.take(self.state, actor, choices)
        except Fault as fault:
            self.state = fault.state or self.state
            found = fault
        except (Blocked, BoundReached):
            raise InternalError(f"step {number} is not enabled when it is replayed") from None
        if tuple(self.machine.oracle.taken) != choices:
            raise InternalError(f"step {number} has other choices when it is replayed")
        return found

    def _learn(self, before: State) -> None:
        """Take note of what the step freed, allocated and started."""
        for kind, index in self.recorder.frees:
            self.camera.bury(before, self.layout.parts(kind, index))
            self.names.freed(kind, index)
        for kind, index, _ in self.recorder.allocations:
            self.names.sized(kind, index, self.state)
        self.order += [started for started in self.names.processes if started not in self.order]

    def _name(self, actor: int) -> str:
        if actor < self.layout.process_count:
            return self.names.process(actor)
        return self.machine.actors[actor][0].rpartition(".")[2]

    def _values(self, frames: tuple[Frame, ...], actor: int, block: Block) -> tuple[Told, Told]:
        """Return what the calls returned that the step was inside of, and where that was kept."""
        back = {
            frame.serial: value.text
            for function, value in reversed(self.recorder.came_back)
            for frame in frames
            if function.rpartition(".")[2] == frame.function
        }
        name, instance, _, _ = self.machine.actors[actor]
        calls = [(name, instance, call.serial) for call in block.calls]
        there = list(zip(calls, frames, strict=True))
        found = self.recorder.results
        back |= {f.serial: found[call].text for call, f in there if call in found}
        names = self.recorder.kept
        kept = tuple((f.serial, names[call]) for call, f in there if call in names)
        return tuple((f.serial, back[f.serial]) for f in frames if f.serial in back), kept

    def frames_of(self, fault: Fault) -> tuple[Frame, ...]:
        """Return what a check was inside of that failed behind the last step's access."""
        if not self.events or not fault.calls:
            return ()
        frames = self.stacks.at(self.state, self.actor, fault.calls)
        return frames if frames != self.events[-1].frames else ()

    def snapshot(self, running: int | None = None) -> Snapshot:
        """Return the state as a trace keeps it."""
        return Snapshot(
            self.camera.objects(self.state),
            tuple(self._process(number, running) for number in self.order),
        )

    def _process(self, number: int, running: int | None) -> ProcessView:
        name, instance = self.layout.process_of(number)
        template = self.layout.program.templates[name]
        block = self.stacks.block(self.state, number)
        variables = tuple(
            (
                variable.split("@")[0].rstrip("'"),
                self.values.of(kind, self.state[self.layout.variables[name, variable] + instance]),
            )
            for variable, kind in template.variables.items()
            if not variable.startswith("@") and block is not None and _in_scope(variable, block)
        )
        status = self._status(number, template.role, block)
        if number == running and status == "ready":
            status = "running"
        frames = self.stacks.of(number, block) if block is not None else ()
        place = place_of(block.span) if block is not None else None
        return ProcessView(
            self.names.process(number), name.rpartition(".")[2], status, place, variables, frames
        )

    def _status(self, number: int, role: str, block: Block | None) -> str:
        """Return what a process can do: `idle` is a daemon that waits, which harms nobody."""
        if block is None:
            return "ended"
        try:
            enabled = any(True for _ in self.quiet.steps_of(self.state, number))
        except (BoundReached, Undecided):
            enabled = True
        return "ready" if enabled else "idle" if role == "daemon" else "blocked"


def _in_scope(variable: str, block: Block) -> bool:
    """Tell whether a variable has a value, and is the spec's: a primitive's are its own."""
    _, _, function = variable.partition("@")
    calls = (call for call in block.calls if call.function == function.rstrip("'"))
    return not function or any(not call.module.startswith(LIBRARY) for call in calls)
