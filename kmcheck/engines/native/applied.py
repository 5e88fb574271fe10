"""The built-in operations in code."""

from __future__ import annotations

from typing import Any

from kmcheck.diagnostics import UsageError
from kmcheck.engines.native.emit import I1, Value, i64
from kmcheck.engines.native.touched import COMPARISONS
from kmcheck.engines.native.values import Values
from kmcheck.ir.expr import Op
from kmcheck.ir.types import ArrayOf, Int, ListOf, Ref, SetOf, Type

LARGEST = 1 << 62
"""No integer that is computed may be larger."""

SIGNED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class Applied(Values):
    """Writes operations: each means what the table of `semantics` says."""

    def operation(self, expr: Op) -> Any:
        """Return the value of an operation; a truth value is 0 or 1."""
        if expr.name in COMPARISONS:
            return self.wide(self.decided(self.comparison(expr)))
        if isinstance(expr.type, Int) and not -LARGEST <= expr.type.lo <= expr.type.hi <= LARGEST:
            title = f"{expr.span.where}: this may be too large for 64 bits"
            raise UsageError(
                title, "give what it is computed from smaller ranges, or take --engine reference"
            )
        if expr.name == "array_set":
            return self._array_set(expr)
        args = [self.of(a) for a in expr.args]
        found = self._applied(expr, args)
        if isinstance(found, tuple) or found.type != I1:
            return found
        return self._bit(expr, found)

    def _bit(self, expr: Op, found: Value) -> Value:
        """Return a truth value as a number; a set may have one bit, too."""
        return found if isinstance(expr.type, (SetOf, ListOf)) else self.wide(found)

    def comparison(self, expr: Op) -> Value:
        """Return a comparison of linear forms: 0, 1, or 2 for unknown."""
        left, right = (self.of(a) for a in expr.args)
        return self.compared(expr.name.removeprefix("form_"), left, right)

    def _applied(self, expr: Op, args: list[Any]) -> Any:
        name, first = expr.name, expr.args[0].type
        if name.startswith("form_"):
            return self._form(name, args)
        if name.startswith("list_"):
            element = expr.args[0].type
            assert isinstance(element, ListOf)
            return self._list(name, element.element, args)
        if name == "array_get":
            return self.array_get(args[0], args[1])
        if name == "only":
            assert isinstance(expr.type, SetOf)
            return self.only(expr.type.element, args[0], self.shapes.of(expr.type))
        if isinstance(first, SetOf) and name not in SIGNED:
            if name == "with":
                self._in_range(args[1], expr.args[1].type, first.element)
            return self.set_operation(name, first.element, args)
        return self._scalar_operation(name, args)

    def _form(self, name: str, args: list[Any]) -> Any:
        match name:
            case "form_int":
                return self.form_int(args[0])
            case "form_size":
                return self.form_size(args[0])
            case "form_add":
                return self.builder.add(args[0], args[1])
            case "form_sub":
                return self.builder.sub(args[0], args[1])
            case _:
                return self.wide(self.form_is_zero(args[0]))

    def _list(self, name: str, element: Ref, args: list[Any]) -> Any:
        match name:
            case "list_has":
                return self.wide(self.list_has(element, *args))
            case "list_append":
                return self.list_add(element, *args, head=False)
            case "list_push":
                return self.list_add(element, *args, head=True)
            case "list_remove":
                return self.list_remove(element, *args)
            case "list_first":
                return self.place(element, args[0], 0)
            case "list_rest":
                return self.rest(element, args[0])
            case "list_after":
                return self.list_after(element, *args)
            case "list_concat":
                return self.list_concat(element, *args)
            case _:
                return self.list_length(element, args[0])

    def _scalar_operation(self, name: str, args: list[Any]) -> Any:
        b = self.builder
        match name, args:
            case "not", [x]:
                return b.not_(self.truth(x))
            case "neg", [x]:
                return b.neg(x)
            case "add", [x, y]:
                return b.add(x, y)
            case "sub", [x, y]:
                return b.sub(x, y)
            case "mul", [x, y]:
                return b.mul(x, y)
            case "div", [x, y]:
                return self._floored(x, y)[0]
            case "mod", [x, y]:
                return self._floored(x, y)[1]
            case "min", [x, y]:
                return b.select(b.icmp_signed("<", y, x), y, x)
            case "max", [x, y]:
                return b.select(b.icmp_signed(">", y, x), y, x)
            case "same", [x, y]:
                return self._same(x, y)
            case "differ", [x, y]:
                return b.not_(self._same(x, y))
            case "is_alive", [x]:
                fresh = b.not_(self.truth(b.and_(x, i64(1))))
                return b.and_(b.icmp_signed(">", x, i64(0)), fresh)
        x, y = args
        if isinstance(x, tuple):
            return self._arrays_equal(x, y, name)
        return b.icmp_signed(SIGNED[name], x, y)

    def _same(self, x: Value, y: Value) -> Value:
        """Return whether two addresses are equal, be one of them stale."""
        b = self.builder
        return b.or_(
            b.icmp_signed("==", x, y),
            b.and_(
                b.and_(self.truth(x), self.truth(y)),
                b.icmp_signed("==", b.or_(x, i64(1)), b.or_(y, i64(1))),
            ),
        )

    def _floored(self, x: Value, y: Value) -> tuple[Value, Value]:
        """Return quotient and remainder as Python rounds: down."""
        b = self.builder
        quotient, rest = b.sdiv(x, y), b.srem(x, y)
        off = b.and_(self.truth(rest), b.icmp_signed("<", b.xor(rest, y), i64(0)))
        less = b.sub(quotient, self.wide(off))
        return less, b.select(off, b.add(rest, y), rest)

    def _arrays_equal(self, x: tuple[Value, ...], y: tuple[Value, ...], name: str) -> Value:
        b = self.builder
        same = [b.icmp_signed("==", i, j) for i, j in zip(x, y, strict=True)]
        found = same[0]
        for part in same[1:]:
            found = b.and_(found, part)
        return found if name == "eq" else b.not_(found)

    def _array_set(self, expr: Op) -> Any:
        items, index = self.of(expr.args[0]), self.of(expr.args[1])
        self.inside(items, index)
        new = self.of(expr.args[2])
        assert isinstance(expr.type, ArrayOf)
        self._in_range(new, expr.args[2].type, expr.type.element)
        return self.array_set(items, index, new)

    def _in_range(self, value: Value, have: Type, element: Type) -> None:
        """Fail for a member to be that is outside of its range."""
        if not isinstance(element, Int) or (
            isinstance(have, Int) and element.lo <= have.lo and have.hi <= element.hi
        ):
            return
        self.between(value, element)

    def between(self, value: Value, kind: Int) -> None:
        """Fail for an integer outside of its range."""
        b = self.builder
        below = b.icmp_signed("<", value, i64(kind.lo))
        outside = b.or_(below, b.icmp_signed(">", value, i64(kind.hi)))
        self.fail_if(outside, self.faults.violation("range"))
