"""The meaning of instructions: each is a change of a state, for an instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kmcheck.diagnostics import Span
from kmcheck.ir.code import (
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
from kmcheck.ir.exercise import ONE, SEVERAL, element_of, sort_of
from kmcheck.ir.expr import Cond, Expr
from kmcheck.ir.layout import UNINITIALISED
from kmcheck.ir.types import Int, Ref, Type, first_code
from kmcheck.residual import Residual
from kmcheck.semantics.addresses import Meaning, index_of
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.semantics.faults import Blocked, BoundReached, Fault
from kmcheck.semantics.lifetimes import Lifetimes, Run
from kmcheck.semantics.operations import members
from kmcheck.semantics.oracle import Oracle
from kmcheck.semantics.watch import Watcher


@dataclass(frozen=True, slots=True)
class Shared:
    """What the code of all templates shares.

    `decide` tells whether a residual holds for all sizes; `runners` run a template from where it
    is to its next step: a process that starts does its local work at once.
    """

    lifetimes: Lifetimes
    oracle: Oracle
    decide: Callable[[Residual], bool]
    runners: dict[str, Run]
    watcher: Watcher | None


class Instructions:
    """Turns the instructions of one template into what they do."""

    def __init__(
        self, template: str, evaluator: Evaluator, shared: Shared, note: Callable[[int], None]
    ) -> None:
        self.template = template
        self.evaluator = evaluator
        self.layout = evaluator.layout
        self.shared = shared
        self.note = note

    def of(self, instruction: Instruction, options: int = 0) -> Run:
        """Return what an instruction does to a state.

        Of a choice, `options` is where it is noted which was taken.
        """
        watcher = self.shared.watcher
        match instruction:
            case Assign(var, value, span):
                slot = self.layout.variables[self.template, var]
                kind = self.layout.program.templates[self.template].variables[var]
                meaning = self._ranged(
                    self.evaluator.of(value), value, kind, span, var.split("@")[0]
                )

                def assign(s: list[Any], p: int) -> None:
                    s[slot + p] = meaning(s, p)

                if watcher is None:
                    return assign

                def watched(s: list[Any], p: int) -> None:
                    assign(s, p)
                    watcher.assigned(self.template, p, instruction, s[slot + p])

                return watched
            case Store():
                return self._store(instruction)
            case Choose():
                return self._choose(instruction, options)
            case Assume(condition):
                test = self.evaluator.of(condition)

                def assume(s: list[Any], p: int) -> None:
                    if not test(s, p):
                        raise Blocked

                return assume
            case Check():
                return self._check(instruction)
            case Alloc():
                return self.shared.lifetimes.alloc(self.template, instruction)
            case Free():
                ref = self.evaluator.of(instruction.ref)
                return self.shared.lifetimes.free(self.template, ref, instruction)
            case Spawn():
                return self._spawn(instruction)

    def _ranged(self, meaning: Meaning, value: Expr, kind: Type, span: Span, name: str) -> Meaning:
        """Return the meaning with a check that the value is inside of its type's range."""
        if not isinstance(kind, Int) or _fits(value, kind):
            return meaning
        lo, hi = kind.lo, kind.hi

        def checked(s: list[Any], p: int) -> Any:
            result = meaning(s, p)
            if not lo <= result <= hi and result != UNINITIALISED:
                message = f"`{name}` becomes {result}, outside of its range {lo} to {hi}"
                raise Fault("range", message, span)
            return result

        return checked

    def _store(self, instruction: Store) -> Run:
        kind, field, span = instruction.kind, instruction.field, instruction.span
        base = self.layout.fields[kind, field] - 1
        declared = self.layout.program.kinds[kind].fields[field].type
        ref = self.evaluator.of(instruction.ref)
        value = self._ranged(
            self.evaluator.of(instruction.value),
            instruction.value,
            declared,
            span,
            f"{kind}.{field}",
        )

        def store(s: list[Any], p: int) -> None:
            v = ref(s, p)
            if v <= 0 or v & 1:
                index_of(v, span, kind, field=field)
            s[base + (v >> 1)] = value(s, p)

        watcher = self.shared.watcher
        if watcher is None:
            return store

        def watched(s: list[Any], p: int) -> None:
            index = index_of(ref(s, p), span, kind, field=field)
            old = s[base + 1 + index]
            store(s, p)
            watcher.stored(kind, index, instruction, old, s[base + 1 + index])

        return watched

    def _choose(self, instruction: Choose, noted: int) -> Run:
        slot = self.layout.variables[self.template, instruction.var]
        options = self.evaluator.of(instruction.options)
        first = first_code(element_of(instruction))
        oracle, watcher, note = self.shared.oracle, self.shared.watcher, self.note
        sort = sort_of(instruction)

        def choose(s: list[Any], p: int) -> None:
            found = members(options(s, p), first)
            if not found:
                raise Blocked
            place = oracle.pick(len(found))
            value = s[slot + p] = found[place]
            number = ONE if len(found) == 1 else SEVERAL
            note(noted + (place if sort == "place" else value if sort == "value" else number))
            if watcher is not None:
                watcher.chosen(instruction.var, value)

        return choose

    def _check(self, instruction: Check) -> Run:
        test = self.evaluator.formula(instruction.condition)
        thing = None if instruction.thing is None else self.evaluator.of(instruction.thing)
        kind = (
            instruction.thing.type.kind
            if instruction.thing and isinstance(instruction.thing.type, Ref)
            else ""
        )

        def check(s: list[Any], p: int) -> None:
            residual = test(s, p)
            if residual is True or (residual is not False and self.shared.decide(residual)):
                return
            v = thing(s, p) if thing is not None else 0
            concerned = (kind, (v >> 1) - 1) if v > 0 else None
            raise Fault(
                instruction.violation,
                instruction.message,
                instruction.span,
                concerned,
                residual=residual,
                calls=instruction.calls,
            )

        return check

    def _spawn(self, instruction: Spawn) -> Run:
        name, span = instruction.process, instruction.span
        target = self.layout.program.templates[name]
        position, count = self.layout.pc[name], self.layout.instances(name)
        args = [
            self._ranged(self.evaluator.of(a), a, target.variables[parameter], span, parameter)
            for a, parameter in zip(instruction.args, target.parameters, strict=True)
        ]
        slots = [self.layout.variables[name, parameter] for parameter in target.parameters]
        cpu = None if instruction.cpu is None else self.evaluator.of(instruction.cpu)
        cpu_slot = self.layout.variables.get((name, "@cpu"))
        handle = (
            None
            if instruction.var is None
            else self.layout.variables[self.template, instruction.var]
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
            if self.shared.watcher is not None:
                self.shared.watcher.spawned(name, i)
            if not target.blocks[target.entry].cut:
                try:
                    self.shared.runners[name](s, i)
                except Fault as fault:
                    fault.starting = fault.starting or name
                    raise

        return spawn


def exit_of(
    evaluator: Evaluator, terminator: Terminator, note: Callable[[int], None], arms: int
) -> Meaning:
    """Return where a block goes on, noting at `arms` which arm of a branch was taken."""
    match terminator:
        case Jump(target):
            return lambda s, p: target
        case Branch(condition, then, other):
            test = evaluator.of(condition)
            yes, no = arms, arms + 1

            def branch(s: list[Any], p: int) -> int:
                if test(s, p):
                    note(yes)
                    return then
                note(no)
                return other

            return branch


def _fits(value: Expr, into: Int) -> bool:
    if isinstance(value, Cond):
        return _fits(value.then, into) and _fits(value.other, into)
    return isinstance(value.type, Int) and into.lo <= value.type.lo and value.type.hi <= into.hi
