"""Instructions in code: each is a change of the words of a state."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from kmcheck.engines.native.cells import Index
from kmcheck.engines.native.emit import BLOCKED, BOUND, I32, OK, Value, i64
from kmcheck.engines.native.forms import UNKNOWN, YES
from kmcheck.engines.native.lifetimes import Lifetimes
from kmcheck.engines.native.noting import Noting
from kmcheck.engines.native.packing import Group
from kmcheck.ir.code import (
    Alloc,
    Assign,
    Assume,
    Check,
    Choose,
    Free,
    Instruction,
    Spawn,
    Store,
)
from kmcheck.ir.exercise import sort_of
from kmcheck.ir.expr import Cond, Const, Expr
from kmcheck.ir.layout import UNINITIALISED
from kmcheck.ir.types import Int, SetOf, Type


class Instructions(Lifetimes):
    """Writes what `semantics.instructions` means."""

    steps: dict[str, ir.Function]
    """The function of each template: (words, context, instance, position) to a status."""
    dangling: bool = False
    noting: Noting
    """Notes what is run."""
    ask: Any = None
    """Returns for a check that depends on sizes whether it holds for all of them."""

    def left(self) -> None:
        """End the function with the status that it failed with, and note what was run."""
        self.noting.wrong(self.status)
        super().left()

    def do(self, instruction: Instruction) -> None:
        """Write one instruction."""
        match instruction:
            case Assign(var, value):
                self._assign(var, value)
            case Store():
                self._store(instruction)
            case Choose(var, options):
                mask = self.of(options)
                assert isinstance(options.type, SetOf)
                self.fail_if(self.is_empty(mask), BLOCKED)
                count = self.count(mask)
                number = self.pick(count)
                value = self.nth(options.type.element, mask, number)
                self.set_local(var, value)
                by_value = sort_of(instruction) == "value"
                self.noting.option(instruction, count, value if by_value else number)
            case Assume(condition):
                self.fail_if(self.builder.not_(self.test(condition)), BLOCKED)
            case Check():
                self._check(instruction)
            case Alloc(var):
                self.set_local(var, self.alloc(instruction, dangling=self.dangling))
            case Free():
                self.free(instruction)
            case Spawn():
                self._spawn(instruction)

    def set_local(self, name: str, value: Any) -> None:
        """Give a variable of the running process a value."""
        place = self.local(name)
        if isinstance(place, Group):
            self.write(place, self.instance, value)
        elif isinstance(place, tuple):
            for part, item in zip(place, value, strict=True):
                self.builder.store(item, part)
        else:
            self.builder.store(value, place)

    def _assign(self, var: str, value: Expr) -> None:
        if isinstance(value, Const) and value.value == UNINITIALISED:
            place = self.local(var)
            if isinstance(place, Group):
                self.unset(place, self.instance)
            return
        found = self.of(value)
        self._ranged(found, value, self.layout.program.templates[self.template].variables[var])
        self.set_local(var, found)

    def _ranged(self, found: Any, value: Expr, kind: Type) -> None:
        if isinstance(kind, Int) and not _fits(value, kind):
            self.between(found, kind)

    def _store(self, instruction: Store) -> None:
        group = self.packing.groups["field", instruction.kind, instruction.field]
        index = self.index_of(self.of(instruction.ref))
        value = self.of(instruction.value)
        assert group.type is not None
        self._ranged(value, instruction.value, group.type)
        self.write(group, index, value)

    def _check(self, instruction: Check) -> None:
        b = self.builder
        truth = self.formula(instruction.condition)
        if self.ask is not None:
            unknown = b.icmp_unsigned("==", truth, i64(UNKNOWN))
            truth = self.either(unknown, lambda: self.ask(self, instruction), lambda: truth)
        failed = b.icmp_unsigned("!=", truth, i64(YES))
        self.fail_if(failed, self.faults.violation(instruction.violation))

    def _spawn(self, instruction: Spawn) -> None:
        b, name = self.builder, instruction.process
        target = self.layout.program.templates[name]
        values = []
        for a, parameter in zip(instruction.args, target.parameters, strict=True):
            values.append(self.of(a))
            self._ranged(values[-1], a, target.variables[parameter])
        pc = self.packing.groups["pc", name, ""]
        free: Value = i64(-1)
        for i in reversed(range(self.layout.instances(name))):
            used = self.truth(self.code(pc, i))
            free = b.select(used, free, i64(i))
        none = b.icmp_signed("<", free, i64(0))
        self.refuse(none, BOUND, self.faults.bound(name))
        for parameter, value in zip(target.parameters, values, strict=True):
            self._give(name, parameter, free, value)
        if "@cpu" in target.variables:
            cpu = i64(0) if instruction.cpu is None else self.of(instruction.cpu)
            self._give(name, "@cpu", free, cpu)
        if instruction.var is not None:
            first = self.layout.first_process[name] + 1
            self.set_local(instruction.var, b.add(free, i64(first)))
        if target.blocks[target.entry].cut:
            self.put(pc, free, i64(pc.codes.index(target.entry + 1)))
            return
        self.put(pc, free, i64(min(1, len(pc.codes) - 1)))
        arguments = [self.words, self.context, free, i64(0)]
        status = b.call(self.steps[name], arguments)
        failed = b.icmp_unsigned("!=", status, ir.Constant(I32, OK))
        with b.if_then(failed, likely=False):
            self.fail(status)

    def _give(self, name: str, variable: str, instance: Index, value: Any) -> None:
        group = self.packing.groups.get(("var", name, variable))
        assert group is not None
        self.write(group, instance, value)


def _fits(value: Expr, into: Int) -> bool:
    if isinstance(value, Cond):
        return _fits(value.then, into) and _fits(value.other, into)
    return isinstance(value.type, Int) and into.lo <= value.type.lo and value.type.hi <= into.hi
