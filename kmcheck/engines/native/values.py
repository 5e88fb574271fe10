"""Expressions in code: what each computes from the words of a state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from kmcheck.engines.native.cells import Faults, Index, Shapes
from kmcheck.engines.native.emit import I1, I64, Value, i64
from kmcheck.engines.native.forms import Forms
from kmcheck.engines.native.packing import Group
from kmcheck.ir.expr import (
    Alive,
    And,
    Before,
    Bound,
    Closure,
    Cond,
    Const,
    Container,
    Element,
    Embedded,
    Expr,
    Initialised,
    LivesIn,
    Load,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
    Self,
    Slots,
    Var,
)
from kmcheck.ir.layout import UNINITIALISED
from kmcheck.ir.types import ArrayOf, Counter, ListOf, Ref, SetOf

Survey = Quantifier | Alive | Running | Closure | Position
_ADDRESSES = ("null-deref", "uninitialised-read", "use-after-free")


class Values(Forms, ABC):
    """Writes expressions. `template` and `instance` say whose variables are meant."""

    def __init__(
        self, function: ir.Function, words: Value, context: Value, shapes: Shapes, faults: Faults
    ) -> None:
        super().__init__(function, words, context, shapes, faults)
        self.template = ""
        self.instance: Index = 0
        self.previous: Value = words
        self.locals: dict[str, Any] = {}
        self.cells: dict[int, Value] = {}

    def of(self, expr: Expr) -> Any:
        """Return the value of an expression."""
        match expr:
            case Const():
                return self.constant(expr)
            case Var(name):
                return self.variable_of(name)
            case Initialised(var):
                return self._initialised(var.name)
            case Bound(cell):
                return self.builder.load(self.cell(cell))
            case Self():
                first = self.layout.first_process.get(self.template, 0) + 1
                return self.builder.add(self.number(self.instance), i64(first))
            case Load():
                return self._load(expr)
            case Embedded(ref, kind, field):
                _, group = self.layout.embedded(kind, field)
                return self.builder.add(self._given(self.of(ref)), i64(2 * group.base))
            case Container():
                return self._container(expr)
            case LivesIn(ref, kind, field):
                return self.wide(self._lives_in(self.of(ref), kind, field))
            case Element():
                return self._element(expr)
            case Op(name="linked", args=(member,), type=Ref() as kind):
                found = self.of(member)
                self.touch(kind, found)
                return found
            case Op():
                return self.operation(expr)
            case And() | Or() | Cond():
                return self._lazily(expr)
            case Quantifier() | Alive() | Running() | Closure() | Position():
                return self.surveyed(expr)
            case Before(value):
                return self._before(value)
            case Slots(kind):
                return i64(self.layout.pool(kind))

    @abstractmethod
    def operation(self, expr: Op) -> Any:
        """Return the value of a built-in operation."""

    @abstractmethod
    def surveyed(self, expr: Survey) -> Any:
        """Return a value that looks at all objects, or at all processes."""

    def test(self, expr: Expr) -> Value:
        """Return a truth value as one bit."""
        return self.truth(self.of(expr))

    def number(self, index: Index) -> Value:
        """Return an index as a value."""
        return i64(index) if isinstance(index, int) else index

    # --- variables and constants ---------------------------------------------------------------

    def constant(self, expr: Const) -> Any:
        """Return a constant, which is encoded as the reference encodes it."""
        kind, value = expr.type, expr.value
        match kind:
            case Counter():
                return self.shapes.zero(kind)
            case ArrayOf(element=element):
                assert isinstance(value, tuple)
                return tuple(self.constant(Const(v, element)) for v in value)
            case ListOf(element=element):
                assert isinstance(value, tuple)
                items: Value = ir.Constant(self.shapes.of(kind), 0)
                for v in value:
                    items = self.linked(element, items, i64(v), head=False)
                return items
            case SetOf(element=Ref(kind=name)) if self.packing.stride(name) == 1:
                assert isinstance(value, int)
                pool = range(self.layout.pool(name))
                mask = sum((value >> 2 * i & 1) << i for i in pool)
                return ir.Constant(self.shapes.of(kind), mask)
        return ir.Constant(self.shapes.of(kind), int(value))  # type: ignore[arg-type]

    def variable_of(self, name: str) -> Any:
        """Return the value of a variable of the running process."""
        place = self.local(name)
        if isinstance(place, Group):
            return self.read(place, self.instance)
        if isinstance(place, tuple):
            return tuple(self.builder.load(p) for p in place)
        return self.builder.load(place)

    def local(self, name: str) -> Any:
        """Return where a variable is: in the state, or in a place of the function."""
        group = self.packing.groups.get(("var", self.template, name))
        if group is not None:
            return group
        if name not in self.locals:
            kind = self.layout.program.templates[self.template].variables[name]
            self.locals[name] = self._zeroed(self.shapes.of(kind), self.shapes.zero(kind))
        return self.locals[name]

    def _zeroed(self, shape: Any, zero: Any) -> Any:
        """Return a place of the function that holds zero where a step begins."""
        if isinstance(shape, tuple):
            return tuple(self._zeroed(s, z) for s, z in zip(shape, zero, strict=True))
        place = self.variable(shape)
        with self.builder.goto_entry_block():
            self.builder.store(zero, place)
        return place

    def cell(self, number: int) -> Value:
        """Return where a quantifier's variable is."""
        if number not in self.cells:
            self.cells[number] = self.variable(I64)
        return self.cells[number]

    def _initialised(self, name: str) -> Any:
        place = self.local(name)
        assert isinstance(place, Group)
        assert place.cells.unset >= 0, "there is nothing to check it by"
        uninitialised = self.faults.violation("uninitialised-read")
        self.fail_if(self.is_unset(place, self.instance), uninitialised)
        return self.read(place, self.instance)

    # --- addresses -----------------------------------------------------------------------------

    def index_of(self, address: Value) -> Value:
        """Return the slot that an address is of; null and stale addresses are violations."""
        b = self.builder
        bad = b.or_(b.icmp_signed("<=", address, i64(0)), self.truth(b.and_(address, i64(1))))
        self.fail_if(bad, lambda: self._why(address))
        return b.sub(b.lshr(address, i64(1)), i64(1))

    def _why(self, address: Value) -> Value:
        b, status = self.builder, self.faults.violation
        kinds = [ir.Constant(ir.IntType(32), status(n)) for n in _ADDRESSES]
        null, unset = (b.icmp_signed("==", address, i64(v)) for v in (0, UNINITIALISED))
        return b.select(null, kinds[0], b.select(unset, kinds[1], kinds[2]))

    def _given(self, address: Value) -> Value:
        self.fail_if(self.builder.icmp_signed("<=", address, i64(0)), lambda: self._why(address))
        return address

    def _load(self, expr: Load) -> Any:
        group = self.packing.groups["field", expr.kind, expr.field]
        index = self.index_of(self.of(expr.ref))
        if group.cells.unset >= 0:
            uninitialised = self.faults.violation("uninitialised-read")
            self.fail_if(self.is_unset(group, index), uninitialised)
        return self.read(group, index)

    def _lives_in(self, address: Value, kind: str, field: str) -> Value:
        _, group = self.layout.embedded(kind, field)
        low, high = 2 * (group.base + 1), 2 * (group.base + group.count) + 1
        b = self.builder
        return b.and_(
            b.icmp_signed(">=", address, i64(low)), b.icmp_signed("<=", address, i64(high))
        )

    def _container(self, expr: Container) -> Value:
        address = self._given(self.of(expr.ref))
        _, group = self.layout.embedded(expr.kind, expr.field)
        inside = self._lives_in(address, expr.kind, expr.field)
        self.fail_if(self.builder.not_(inside), self.faults.violation("assertion"))
        return self.builder.sub(address, i64(2 * group.base))

    def _element(self, expr: Element) -> Value:
        _, group = self.layout.group(expr.group)
        own_cpu = isinstance(expr.index, Const) and expr.index.value == 0 and group.role == "cpu"
        if group.role == "global" or own_cpu:
            return i64(2 * (group.base + 1))
        b, index = self.builder, self.of(expr.index)
        at = index if group.role == "cpu" else b.sub(index, i64(1))
        outside = b.icmp_unsigned(">=", at, i64(group.count))
        self.fail_if(outside, self.faults.violation("range"))
        return b.shl(b.add(at, i64(group.base + 1)), i64(1))

    def _before(self, value: Expr) -> Any:
        now, self.words = self.words, self.previous
        found = self.of(value)
        self.words = now
        return found

    # --- lazy operations -----------------------------------------------------------------------

    def _lazily(self, expr: And | Or | Cond) -> Any:
        match expr:
            case Cond(test, then, other):
                return self.either(self.test(test), lambda: self.of(then), lambda: self.of(other))
            case And(args) | Or(args):
                out = self.function.append_basic_block("known")
                arms = []
                stop = ir.Constant(I1, int(isinstance(expr, Or)))
                for part in args[:-1]:
                    value = self.test(part)
                    arms.append((stop, self.builder.block))
                    on = self.function.append_basic_block("on")
                    yes, no = (out, on) if isinstance(expr, Or) else (on, out)
                    self.builder.cbranch(value, yes, no)
                    self.builder.position_at_end(on)
                last = self.test(args[-1])
                arms.append((last, self.builder.block))
                self.builder.branch(out)
                self.builder.position_at_end(out)
                return self.wide(self.joined(arms))

    def either(self, test: Value, then: Callable[[], Any], other: Callable[[], Any]) -> Any:
        """Return one of two values, arrays too; only one of them is computed."""
        blocks = [self.function.append_basic_block(n) for n in ("then", "other")]
        out = self.function.append_basic_block("chosen")
        self.builder.cbranch(test, *blocks)
        arms = []
        for block, compute in zip(blocks, (then, other), strict=True):
            self.builder.position_at_end(block)
            value = compute()
            arms.append((value, self.builder.block))
            self.builder.branch(out)
        self.builder.position_at_end(out)
        if not isinstance(arms[0][0], tuple):
            return self.joined(arms)
        count = len(arms[0][0])
        return tuple(self.joined([(v[i], block) for v, block in arms]) for i in range(count))
