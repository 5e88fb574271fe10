"""What looks at all objects or all processes: quantifiers, closures, who lives, who is where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from kmcheck.engines.native.applied import Applied
from kmcheck.engines.native.emit import I1, I64, Value, i64
from kmcheck.engines.native.forms import NO, UNKNOWN, YES
from kmcheck.engines.native.touched import COMPARISONS
from kmcheck.engines.native.values import Survey
from kmcheck.ir.expr import (
    Alive,
    And,
    Closure,
    Cond,
    Expr,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
)
from kmcheck.ir.types import ListOf, SetOf
from kmcheck.semantics.positions import call_sites, first_cuts

Body = Callable[[ir.Block], None]


class Surveys(Applied):
    """Writes what `semantics.domains` and `semantics.positions` mean, and formulas over sizes."""

    def surveyed(self, expr: Survey) -> Any:
        """Return the value of an expression over all objects or processes."""
        match expr:
            case Alive(kind):
                return self._alive(kind, self.shapes.of(expr.type))
            case Running():
                return self._running(self.shapes.of(expr.type))
            case Closure():
                return self._closure(expr)
            case Position():
                return self.wide(self._position(expr))
            case Quantifier():
                return self._quantifier(expr)

    # --- objects -------------------------------------------------------------------------------

    def _alive(self, kind: str, shape: ir.IntType) -> Value:
        b, stride = self.builder, self.packing.stride(kind)
        mask: Value = ir.Constant(shape, 0)
        for index in range(self.layout.pool(kind)):
            bit = ir.Constant(shape, 1 << stride * index)
            lives = self.lives(kind, index)
            there = bit if lives is None else b.select(lives, bit, ir.Constant(shape, 0))
            mask = b.or_(mask, there)
        return mask

    def lives(self, kind: str, index: int) -> Value | None:
        """Return whether an object lives, None if it always does."""
        slot = self.layout.life_slot(kind, index)
        if slot is None:
            return None
        for (where, _, _), group in self.packing.groups.items():
            if where == "life" and group.slot <= slot < group.slot + group.elements:
                return self.truth(self.code(group, slot - group.slot))
        raise AssertionError(kind)

    def _closure(self, expr: Closure) -> Value:
        b = self.builder
        assert isinstance(expr.type, SetOf)
        element, shape = expr.type.element, self.shapes.of(expr.type)
        group = self.packing.groups["field", expr.kind, expr.field]
        at, mask = self.variable(I64), self.variable(shape)
        b.store(self.of(expr.origin), at)
        b.store(ir.Constant(shape, 0), mask)
        with self.loop() as out:
            v = b.load(at)
            live = b.and_(b.icmp_signed(">", v, i64(0)), b.not_(self.truth(b.and_(v, i64(1)))))
            self.leave_if(b.not_(live), out)
            bit = self.only(element, v, shape)
            old = b.load(mask)
            self.leave_if(b.not_(self.is_empty(b.and_(old, bit))), out)
            b.store(b.or_(old, bit), mask)
            index = b.sub(b.lshr(v, i64(1)), i64(1))
            b.store(self.read(group, index), at)
        return b.load(mask)

    # --- processes -----------------------------------------------------------------------------

    def _running(self, shape: ir.IntType) -> Value:
        b = self.builder
        mask: Value = ir.Constant(shape, 0)
        for name in self.layout.processes:
            group = self.packing.groups["pc", name, ""]
            for i in range(self.layout.instances(name)):
                bit = ir.Constant(shape, 1 << self.layout.first_process[name] + i)
                there = self.truth(self.code(group, i))
                mask = b.or_(mask, b.select(there, bit, ir.Constant(shape, 0)))
        return mask

    def _position(self, expr: Position) -> Value:
        b, process = self.builder, self.of(expr.process)
        found: Value = ir.Constant(I1, 0)
        for name in self.layout.processes:
            marked = self.positions(name, expr.what, expr.function)
            first = self.layout.first_process[name] + 1
            for i in range(self.layout.instances(name)):
                here = b.icmp_signed("==", process, i64(first + i))
                found = b.or_(found, b.and_(here, self.is_at(name, i, marked)))
        return found

    def positions(self, name: str, what: str, function: str = "") -> frozenset[int]:
        """Return the positions at which a process has begun, has ended, or is in a function."""
        template = self.layout.program.templates[name]
        if what == "ended":
            return frozenset({0})
        if what == "begun":
            first = {block + 1 for block in first_cuts(self.layout, name)}
            return frozenset(set(range(len(template.blocks) + 1)) - first)
        return call_sites(self.layout)[name].get(function, frozenset())

    def is_at(self, name: str, instance: int, positions: frozenset[int]) -> Value:
        """Return whether a process is at one of these positions."""
        group = self.packing.groups["pc", name, ""]
        code, b = self.code(group, instance), self.builder
        found: Value = ir.Constant(I1, 0)
        for number, position in enumerate(group.codes):
            if position in positions:
                found = b.or_(found, b.icmp_unsigned("==", code, i64(number)))
        return found

    # --- quantifiers ---------------------------------------------------------------------------

    def each(self, expr: Quantifier, body: Callable[[ir.Block], None]) -> None:
        """Do something for each member for which `where` holds; it is given where to leave to."""
        b, domain = self.builder, self.of(expr.domain)
        kind = expr.domain.type
        if isinstance(kind, SetOf):
            with self.members(kind.element, domain) as (member, out):
                self._one(expr, member, body, out)
            return
        out = self.function.append_basic_block("all")
        if isinstance(kind, ListOf):
            for at in range(self.places(kind.element)):
                member = self.place(kind.element, domain, at)
                on = self.function.append_basic_block("on")
                b.cbranch(self.truth(member), on, out)
                b.position_at_end(on)
                self._one(expr, member, body, out)
        else:
            for member in domain:
                self._one(expr, member, body, out)
        b.branch(out)
        b.position_at_end(out)

    def _one(self, expr: Quantifier, member: Value, body: Body, out: ir.Block) -> None:
        self.builder.store(member, self.cell(expr.cell))
        with self.builder.if_then(self.test(expr.where)):
            body(out)

    def _quantifier(self, expr: Quantifier) -> Any:
        b = self.builder
        shape = self.shapes.of(expr.type)
        result = self.variable(shape)
        start = self.shapes.zero(expr.type) if expr.what != "all" else i64(1)
        b.store(start, result)

        def body(out: ir.Block) -> None:
            match expr.what:
                case "all" | "any":
                    stop = expr.what == "any"
                    value = self.test(expr.body)
                    ends = value if stop else b.not_(value)
                    on = self.function.append_basic_block("on")
                    ending = self.function.append_basic_block("ending")
                    b.cbranch(ends, ending, on)
                    b.position_at_end(ending)
                    b.store(i64(int(stop)), result)
                    b.branch(out)
                    b.position_at_end(on)
                case "count":
                    self.of(expr.body)
                    b.store(b.add(b.load(result), i64(1)), result)
                case "filter":
                    value = self.of(expr.body)
                    assert isinstance(expr.type, SetOf)
                    bit = self.only(expr.type.element, value, shape)
                    b.store(b.add(b.load(result), bit), result)
                case _:
                    b.store(b.add(b.load(result), self.of(expr.body)), result)

        self.each(expr, body)
        return b.load(result)

    # --- formulas over sizes -------------------------------------------------------------------

    def formula(self, expr: Expr) -> Value:
        """Return a truth value that may depend on sizes: 0, 1, or 2 for unknown."""
        match expr:
            case And(args):
                return self._gathered(args, stop=NO)
            case Or(args):
                return self._gathered(args, stop=YES)
            case Op(name="not", args=(inner,)):
                return self._negated(self.formula(inner))
            case Cond(test, then, other):
                return self.either(
                    self.test(test), lambda: self.formula(then), lambda: self.formula(other)
                )
            case Quantifier(what="all" | "any" as what, body=inner):
                return self._over_all(expr, inner, stop=YES if what == "any" else NO)
            case Op(name=name) if name in COMPARISONS:
                return self.comparison(expr)
            case _:
                return self.wide(self.test(expr))

    def _negated(self, truth: Value) -> Value:
        b = self.builder
        unknown = b.icmp_unsigned("==", truth, i64(UNKNOWN))
        return b.select(unknown, truth, b.xor(truth, i64(1)))

    def _gathered(self, parts: tuple[Expr, ...], *, stop: int) -> Value:
        """Gather parts up to the first that decides the whole; what is unknown stays."""
        b = self.builder
        result = self.variable(I64)
        b.store(i64(1 - stop), result)
        out = self.function.append_basic_block("gathered")
        for part in parts:
            self._part(self.formula(part), result, out, stop)
        b.branch(out)
        b.position_at_end(out)
        return b.load(result)

    def _part(self, value: Value, result: Value, out: ir.Block, stop: int) -> None:
        b = self.builder
        ending, on = (self.function.append_basic_block(n) for n in ("ending", "on"))
        b.cbranch(b.icmp_unsigned("==", value, i64(stop)), ending, on)
        b.position_at_end(ending)
        b.store(i64(stop), result)
        b.branch(out)
        b.position_at_end(on)
        unknown = b.icmp_unsigned("==", value, i64(UNKNOWN))
        b.store(b.select(unknown, i64(UNKNOWN), b.load(result)), result)

    def _over_all(self, expr: Quantifier, inner: Expr, *, stop: int) -> Value:
        result = self.variable(I64)
        self.builder.store(i64(1 - stop), result)
        self.each(expr, lambda out: self._part(self.formula(inner), result, out, stop))
        return self.builder.load(result)
