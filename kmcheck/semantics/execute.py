"""The meaning of code: which states a step leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from kmcheck.diagnostics import Span
from kmcheck.ir.code import (
    END,
    Alloc,
    Assign,
    Assume,
    Branch,
    Check,
    Choose,
    Free,
    Instruction,
    Jump,
    Spawn,
    Store,
    Terminator,
)
from kmcheck.ir.expr import Expr
from kmcheck.ir.layout import UNINITIALISED, Layout, holds_references
from kmcheck.ir.types import Counter, Int, Ref, SetOf, Size, Type, first_code
from kmcheck.residual import Residual
from kmcheck.semantics.evaluate import Evaluator, Meaning, Observer, index_of
from kmcheck.semantics.faults import Blocked, BoundReached, Fault
from kmcheck.semantics.operations import members

State = tuple[Any, ...]
Run = Callable[[list[Any], int], None]

FUEL = 20_000
"""How many blocks one step may run before it is said never to end."""


class Step(NamedTuple):
    """One way on: which process (an action counts behind the processes), which choices, and where to."""

    process: int
    choices: tuple[int, ...]
    state: State | None
    fault: Fault | None


class Watcher(Observer, Protocol):
    """Who wants to know all that a step does."""

    def stored(self, kind: str, index: int, instruction: Store, old: object, new: object) -> None:
        """Note that a field was stored to."""

    def allocated(self, kind: str, index: int, instruction: Alloc) -> None:
        """Note that an object begins to live."""

    def freed(self, kind: str, index: int, instruction: Free) -> None:
        """Note that an object's life ended."""

    def assigned(self, template: str, instance: int, instruction: Assign, value: object) -> None:
        """Note that a local variable was assigned."""

    def spawned(self, template: str, instance: int) -> None:
        """Note that a process starts."""


class Oracle:
    """Decides each choice of a step: replays a list, then takes the first option."""

    def __init__(self) -> None:
        self.plan: tuple[int, ...] = ()
        self.taken: list[int] = []
        self.widths: list[int] = []

    def reset(self, plan: tuple[int, ...]) -> None:
        """Begin a step whose first choices are given."""
        self.plan = plan
        self.taken = []
        self.widths = []

    def pick(self, width: int) -> int:
        """Decide among `width` options; a single one is no choice."""
        if width == 1:
            return 0
        at = len(self.taken)
        taken = self.plan[at] if at < len(self.plan) else 0
        if taken >= width:
            raise Blocked
        self.taken.append(taken)
        self.widths.append(width)
        return taken

    def following(self) -> tuple[int, ...] | None:
        """Return the next plan in lexical order, None after the last."""
        for at in reversed(range(len(self.taken))):
            if self.taken[at] + 1 < self.widths[at]:
                return (*self.taken[:at], self.taken[at] + 1)
        return None


class Machine:
    """Executes the steps of a program. `decide` tells whether a residual holds for all sizes."""

    def __init__(
        self, layout: Layout, decide: Callable[[Residual], bool], watcher: Watcher | None = None
    ) -> None:
        self.layout = layout
        self.decide = decide
        self.watcher = watcher
        self.oracle = Oracle()
        self.size_slots = [i for i, t in enumerate(layout.types) if isinstance(t, Size)]
        self.counter_slots = [i for i, t in enumerate(layout.types) if isinstance(t, Counter)]
        self.entered = {n: bytearray(len(t.blocks)) for n, t in layout.program.templates.items()}
        """For each block of each process, whether it was ever run."""
        self.taken = {n: bytearray(2 * len(t.blocks)) for n, t in layout.program.templates.items()}
        """For each block that ends in a branch, whether either arm was ever taken."""
        self.runners: dict[str, Run] = {}
        for name in layout.program.templates:
            self.runners[name] = self._runner(name)
        self.actors = [
            (name, i, layout.pc[name] + i, self.runners[name])
            for name in layout.processes
            for i in range(layout.instances(name))
        ]
        self.actors += [
            (name, 0, layout.pc[name], self.runners[name])
            for name, t in layout.program.templates.items()
            if t.role == "action"
        ]

    def successors(self, state: State) -> Iterator[Step]:
        """Yield every step that is enabled in a state, in a fixed order."""
        for number in range(len(self.actors)):
            yield from self.steps_of(state, number)

    def steps_of(self, state: State, number: int) -> Iterator[Step]:
        """Yield the steps of one process or action in a state."""
        _, instance, slot, run = self.actors[number]
        if not state[slot]:
            return
        plan: tuple[int, ...] | None = ()
        oracle = self.oracle
        while plan is not None:
            oracle.reset(plan)
            after = list(state)
            try:
                run(after, instance)
            except Blocked:
                pass
            except Fault as fault:
                yield Step(number, tuple(oracle.taken), None, fault)
            else:
                yield Step(number, tuple(oracle.taken), tuple(after), None)
            plan = oracle.following() if oracle.taken else None

    def take(self, state: State, number: int, choices: tuple[int, ...]) -> State:
        """Return the state after one given step.

        Raises:
            Blocked: the step is not enabled.
            Fault: the step violates a built-in property.
        """
        _, instance, slot, run = self.actors[number]
        if not state[slot]:
            raise Blocked
        self.oracle.reset(choices)
        after = list(state)
        try:
            run(after, instance)
        except Fault as fault:
            fault.state = tuple(after)
            raise
        return tuple(after)

    def initial(self) -> Iterator[tuple[tuple[int, ...], State]]:
        """Yield the states that setup can lead to, each with setup's choices."""
        plan: tuple[int, ...] | None = ()
        while plan is not None:
            self.oracle.reset(plan)
            try:
                state: State | None = self.begin(plan)
            except Blocked:
                state = None
            if state is not None:
                yield tuple(self.oracle.taken), state
            plan = self.oracle.following()

    def begin(self, choices: tuple[int, ...]) -> State:
        """Return the state after setup with the given choices."""
        self.oracle.reset(choices)
        blank = list(self.layout.blank)
        for name, template in self.layout.program.templates.items():
            if template.role == "action":
                blank[self.layout.pc[name]] = template.entry + 1
        blank[self.layout.pc["setup"]] = self.layout.program.templates["setup"].entry + 1
        self.runners["setup"](blank, 0)
        return tuple(blank[: self.layout.size])

    def _runner(self, name: str) -> Run:
        template = self.layout.program.templates[name]
        evaluator = Evaluator(self.layout, name, self.watcher)
        bodies = [
            [self._instruction(evaluator, name, i) for i in b.instructions] for b in template.blocks
        ]
        taken = self.taken[name]
        exits = [
            _terminator(evaluator, b.terminator, taken, n) for n, b in enumerate(template.blocks)
        ]
        entered = self.entered[name]
        cuts = [b.cut for b in template.blocks]
        position = self.layout.pc[name]
        final = template.entry + 1 if template.role == "action" else 0
        span = template.span

        def run(s: list[Any], p: int) -> None:
            block = s[position + p] - 1
            for _ in range(FUEL):
                entered[block] = 1
                for instruction in bodies[block]:
                    instruction(s, p)
                block = exits[block](s, p)
                if block == END:
                    s[position + p] = final
                    return
                if cuts[block]:
                    s[position + p] = block + 1
                    return
            raise Fault("endless-step", "a step runs a loop that does not end", span)

        return run

    def _instruction(self, evaluator: Evaluator, template: str, instruction: Instruction) -> Run:
        watcher = self.watcher
        match instruction:
            case Assign(var, value, span):
                slot = self.layout.variables[template, var]
                kind = self.layout.program.templates[template].variables[var]
                meaning = self._ranged(evaluator.of(value), value, kind, span, var.split("@")[0])

                def assign(s: list[Any], p: int) -> None:
                    s[slot + p] = meaning(s, p)

                if watcher is None:
                    return assign

                def watched(s: list[Any], p: int) -> None:
                    assign(s, p)
                    watcher.assigned(template, p, instruction, s[slot + p])

                return watched
            case Store():
                return self._store(evaluator, instruction)
            case Choose():
                return self._choose(evaluator, template, instruction)
            case Assume(condition):
                test = evaluator.of(condition)

                def assume(s: list[Any], p: int) -> None:
                    if not test(s, p):
                        raise Blocked

                return assume
            case Check():
                return self._check(evaluator, instruction)
            case Alloc():
                return self._alloc(template, instruction)
            case Free():
                return self._free(evaluator, instruction)
            case Spawn():
                return self._spawn(evaluator, template, instruction)

    def _ranged(self, meaning: Meaning, value: Expr, kind: Type, span: Span, name: str) -> Meaning:
        """Return the meaning with a check that the value is inside of its type's range."""
        if not isinstance(kind, Int) or _fits(value.type, kind):
            return meaning
        lo, hi = kind.lo, kind.hi

        def checked(s: list[Any], p: int) -> Any:
            result = meaning(s, p)
            if not lo <= result <= hi and result != UNINITIALISED:
                message = f"`{name}` becomes {result}, outside of its range {lo} to {hi}"
                raise Fault("range", message, span)
            return result

        return checked

    def _store(self, evaluator: Evaluator, instruction: Store) -> Run:
        kind, field, span = instruction.kind, instruction.field, instruction.span
        base = self.layout.fields[kind, field] - 1
        declared = self.layout.program.kinds[kind].fields[field].type
        ref = evaluator.of(instruction.ref)
        value = self._ranged(
            evaluator.of(instruction.value), instruction.value, declared, span, f"{kind}.{field}"
        )

        def store(s: list[Any], p: int) -> None:
            v = ref(s, p)
            if v <= 0 or v & 1:
                index_of(v, span, kind, field=field)
            s[base + (v >> 1)] = value(s, p)

        watcher = self.watcher
        if watcher is None:
            return store

        def watched(s: list[Any], p: int) -> None:
            index = index_of(ref(s, p), span, kind, field=field)
            old = s[base + 1 + index]
            store(s, p)
            watcher.stored(kind, index, instruction, old, s[base + 1 + index])

        return watched

    def _choose(self, evaluator: Evaluator, template: str, instruction: Choose) -> Run:
        slot = self.layout.variables[template, instruction.var]
        options = evaluator.of(instruction.options)
        kind = instruction.options.type
        first = first_code(kind.element) if isinstance(kind, SetOf) else 0
        oracle = self.oracle

        def choose(s: list[Any], p: int) -> None:
            found = members(options(s, p), first)
            if not found:
                raise Blocked
            s[slot + p] = found[oracle.pick(len(found))]

        return choose

    def _check(self, evaluator: Evaluator, instruction: Check) -> Run:
        test = evaluator.formula(instruction.condition)
        thing = None if instruction.thing is None else evaluator.of(instruction.thing)
        kind = (
            instruction.thing.type.kind
            if instruction.thing and isinstance(instruction.thing.type, Ref)
            else ""
        )

        def check(s: list[Any], p: int) -> None:
            residual = test(s, p)
            if residual is True or (residual is not False and self.decide(residual)):
                return
            v = thing(s, p) if thing is not None else 0
            concerned = (kind, (v >> 1) - 1) if v > 0 else None
            raise Fault(
                instruction.violation, instruction.message, instruction.span, concerned, residual
            )

        return check

    def _alloc(self, template: str, instruction: Alloc) -> Run:
        kind, span = instruction.kind, instruction.span
        group, life = self.layout.dynamic(kind), self.layout.life[kind]
        slot = self.layout.variables[template, instruction.var]
        mark = 2 if template == "setup" else 1
        parts = [self._blank_fields(kind, group.base + i, instruction) for i in range(group.count)]
        watcher = self.watcher

        def alloc(s: list[Any], p: int) -> None:
            for i in range(group.count):
                if not s[life + i]:
                    break
            else:
                raise BoundReached(kind, span)
            s[life + i] = mark
            for at, value, symbol in parts[i]:
                s[at] = self._fresh_symbol(s, kind, span) if symbol else value
            s[slot + p] = 2 * (group.base + i + 1)
            if watcher is not None:
                watcher.allocated(kind, group.base + i, instruction)

        return alloc

    def _blank_fields(
        self, kind: str, index: int, instruction: Alloc
    ) -> list[tuple[int, Any, bool]]:
        blank = []
        for part, at in self.layout.parts(kind, index):
            for name, info in self.layout.program.kinds[part].fields.items():
                slot = self.layout.fields[part, name] + at
                value = self.layout.zero(info.type)
                if not instruction.zeroed and not info.ghost and part == kind:
                    value = UNINITIALISED
                blank.append((slot, value, isinstance(info.type, Size)))
        return blank

    def _fresh_symbol(self, s: list[Any], kind: str, span: Span) -> int:
        used = {s[i] for i in self.size_slots}
        for symbol in range(1, self.layout.symbols + 1):
            if symbol not in used and not any(s[i][symbol] for i in self.counter_slots):
                return symbol
        raise BoundReached(f"the sizes of {kind}", span)

    def _free(self, evaluator: Evaluator, instruction: Free) -> Run:
        kind, span = instruction.kind, instruction.span
        ref = evaluator.of(instruction.ref)
        ending = [self._ending(kind, i) for i in range(self.layout.pool(kind))]
        watcher = self.watcher

        def free(s: list[Any], p: int) -> None:
            v = ref(s, p)
            if v > 0 and v & 1:
                thing = (kind, (v >> 1) - 1)
                raise Fault("double-free", f"{kind} is freed a second time", span, thing)
            index = index_of(v, span, kind, "freed")
            life, stale, blank = ending[index]
            if life is None:
                raise Fault(
                    "bad-free",
                    f"this {kind} was not allocated: it cannot be freed",
                    span,
                    (kind, index),
                )
            for change in stale:
                change(s)
            for slot, value in blank:
                s[slot] = value
            s[life] = 0
            if watcher is not None:
                watcher.freed(kind, index, instruction)

        return free

    def _ending(
        self, kind: str, index: int
    ) -> tuple[int | None, list[Callable[[list[Any]], None]], list[Any]]:
        """Return what a free does: the life to end, the addresses to make stale, the fields to blank."""
        group = self.layout.dynamic(kind)
        if not group.base <= index < group.base + group.count:
            return None, [], []
        stale, blank = [], []
        for part, at in self.layout.parts(kind, index):
            for name, info in self.layout.program.kinds[part].fields.items():
                blank.append((self.layout.fields[part, name] + at, self.layout.zero(info.type)))
            stale += [
                _staler(slot, declared, 2 * (at + 1))
                for slot, declared in enumerate(self.layout.types[: self.layout.size])
                if holds_references(declared, part)
            ]
        return self.layout.life[kind] + index - group.base, stale, blank

    def _spawn(self, evaluator: Evaluator, template: str, instruction: Spawn) -> Run:
        name, span = instruction.process, instruction.span
        target = self.layout.program.templates[name]
        position, count = self.layout.pc[name], self.layout.instances(name)
        args = [evaluator.of(a) for a in instruction.args]
        slots = [self.layout.variables[name, parameter] for parameter in target.parameters]
        cpu = None if instruction.cpu is None else evaluator.of(instruction.cpu)
        cpu_slot = self.layout.variables.get((name, "@cpu"))
        handle = (
            None if instruction.var is None else self.layout.variables[template, instruction.var]
        )
        first = self.layout.first_process[name]

        def spawn(s: list[Any], p: int) -> None:
            values = [a(s, p) for a in args]
            for i in range(count):
                if not s[position + i]:
                    break
            else:
                raise BoundReached(name, span)
            for slot, value in zip(slots, values, strict=True):
                s[slot + i] = value
            if cpu_slot is not None:
                s[cpu_slot + i] = cpu(s, p) if cpu is not None else 0
            if handle is not None:
                s[handle + p] = first + i + 1
            s[position + i] = target.entry + 1
            if self.watcher is not None:
                self.watcher.spawned(name, i)
            if not target.blocks[target.entry].cut:
                self.runners[name](s, i)

        return spawn


def _terminator(
    evaluator: Evaluator, terminator: Terminator, taken: bytearray, block: int
) -> Meaning:
    match terminator:
        case Jump(target):
            return lambda s, p: target
        case Branch(condition, then, other):
            test = evaluator.of(condition)
            yes, no = 2 * block, 2 * block + 1

            def branch(s: list[Any], p: int) -> int:
                if test(s, p):
                    taken[yes] = 1
                    return then
                taken[no] = 1
                return other

            return branch


def _fits(kind: Type, into: Int) -> bool:
    return isinstance(kind, Int) and into.lo <= kind.lo and kind.hi <= into.hi


def _staler(slot: int, kind: Type | None, address: int) -> Callable[[list[Any]], None]:
    """Return what makes every copy of an address in a slot stale."""

    def scalar(s: list[Any]) -> None:
        if s[slot] == address:
            s[slot] = address | 1

    def mask(s: list[Any]) -> None:
        bit = 1 << (address - 2)
        if s[slot] & bit:
            s[slot] = s[slot] & ~bit | bit << 1

    def sequence(s: list[Any]) -> None:
        if address in s[slot]:
            s[slot] = tuple(v | 1 if v == address else v for v in s[slot])

    if isinstance(kind, Ref):
        return scalar
    return mask if isinstance(kind, SetOf) else sequence
