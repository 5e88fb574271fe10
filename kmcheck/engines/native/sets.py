"""Sets in code: an integer with a bit for each member, two for an address that may be stale."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from kmcheck.engines.native.cells import Cells
from kmcheck.engines.native.emit import I64, Value, i64
from kmcheck.ir.types import Ref, Type, first_code


class Sets(Cells):
    """Writes the operations on sets."""

    def stride(self, element: Type) -> int:
        """Return how many bits a member has."""
        return self.packing.stride(element.kind) if isinstance(element, Ref) else 1

    def bit_of(self, element: Type, value: Value) -> Value:
        """Return the number of the bit that stands for a value."""
        if isinstance(element, Ref) and self.stride(element) == 1:
            return self.builder.sub(self.builder.lshr(value, i64(1)), i64(1))
        return self.builder.sub(value, i64(first_code(element)))

    def value_of(self, element: Type, bit: Value) -> Value:
        """Return the value that a bit stands for."""
        if isinstance(element, Ref) and self.stride(element) == 1:
            return self.builder.shl(self.builder.add(bit, i64(1)), i64(1))
        return self.builder.add(bit, i64(first_code(element)))

    def shifted(self, kind: ir.IntType, bits: int, by: Value) -> Value:
        """Return bits at a place, none if it is outside."""
        inside = self.builder.icmp_unsigned("<", by, i64(kind.width))
        moved = self.builder.shl(
            ir.Constant(kind, bits & (1 << kind.width) - 1), self._amount(by, inside, kind)
        )
        return self.builder.select(inside, moved, ir.Constant(kind, 0))

    def _amount(self, by: Value, inside: Value, kind: ir.IntType) -> Value:
        return self.sized(self.builder.select(inside, by, i64(0)), kind)

    def only(self, element: Type, value: Value, kind: ir.IntType) -> Value:
        """Return the set of one value; null makes the empty set."""
        return self.shifted(kind, 1, self.bit_of(element, value))

    def whole(self, element: Type, value: Value, kind: ir.IntType) -> Value:
        """Return the bits of an address, fresh and stale; of any other value its one bit."""
        if self.stride(element) == 1:
            return self.only(element, value, kind)
        even = self.builder.and_(self.bit_of(element, value), i64(~1))
        return self.shifted(kind, 3, even)

    def addresses(self, element: Type, mask: Value) -> Value:
        """Return a set with both bits, fresh and stale, of every address in it."""
        if self.stride(element) == 1:
            return mask
        b, kind = self.builder, mask.type
        fresh = ir.Constant(kind, sum(1 << i for i in range(0, kind.width, 2)))
        one = ir.Constant(kind, 1)
        up = b.shl(b.and_(mask, fresh), one)
        down = b.lshr(b.and_(mask, b.not_(fresh)), one)
        return b.or_(mask, b.or_(up, down))

    def set_operation(self, name: str, element: Type, args: list[Value]) -> Value:
        """Return the value of an operation; `remove` and `with` may find a corrupted set."""
        b = self.builder
        match name, args:
            case "union", [x, y]:
                return b.or_(x, b.and_(y, b.not_(self.addresses(element, x))))
            case "intersect", [x, y]:
                return b.and_(x, self.addresses(element, y))
            case "minus", [x, y]:
                return b.and_(x, b.not_(self.addresses(element, y)))
            case "unseen", [x, y]:
                return b.and_(x, b.not_(y))
            case "subset", [x, y]:
                return self.is_empty(b.and_(x, b.not_(self.addresses(element, y))))
            case "size", [x]:
                return self.count(x)
            case "lowest", [x]:
                found = self.value_of(element, self.least(x))
                return b.select(self.is_empty(x), i64(0), found)
        return self._with_member(name, element, args)

    def _with_member(self, name: str, element: Type, args: list[Value]) -> Value:
        b, (mask, value) = self.builder, args
        known = b.icmp_signed(">=", value, i64(first_code(element)))
        bits = b.select(known, self.whole(element, value, mask.type), ir.Constant(mask.type, 0))
        there = b.not_(self.is_empty(b.and_(mask, bits)))
        match name:
            case "has":
                return there
            case "without":
                return b.and_(mask, b.not_(bits))
            case "remove":
                self.fail_if(b.not_(there), self.faults.violation("list-corruption"))
                return b.and_(mask, b.not_(bits))
            case _:
                self.fail_if(b.not_(known), self.faults.violation("list-corruption"))
                more = b.or_(mask, self.only(element, value, mask.type))
                return b.select(there, mask, more)

    def is_empty(self, mask: Value) -> Value:
        """Return whether a set has no members."""
        return self.builder.icmp_unsigned("==", mask, ir.Constant(mask.type, 0))

    @contextmanager
    def members(self, element: Type, mask: Value) -> Iterator[tuple[Value, ir.Block]]:
        """Go through a set, lowest member first: yields the member, and where to leave to."""
        b = self.builder
        left = self.variable(mask.type)
        b.store(mask, left)
        with self.loop() as out:
            rest = b.load(left)
            self.leave_if(self.is_empty(rest), out)
            b.store(b.and_(rest, b.sub(rest, ir.Constant(mask.type, 1))), left)
            yield self.value_of(element, self.least(rest)), out

    def nth(self, element: Type, mask: Value, number: Value) -> Value:
        """Return a member by its place in order."""
        b = self.builder
        left, at = self.variable(mask.type), self.variable(I64)
        b.store(mask, left)
        b.store(number, at)
        with self.loop() as out:
            n, rest = b.load(at), b.load(left)
            self.leave_if(b.icmp_unsigned("==", n, i64(0)), out)
            b.store(b.and_(rest, b.sub(rest, ir.Constant(mask.type, 1))), left)
            b.store(b.sub(n, i64(1)), at)
        return self.value_of(element, self.least(b.load(left)))
