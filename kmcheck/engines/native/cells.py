"""Reads and writes the cells of packed states: an element's value, in the form code works on.

Scalars are 64 bits, as the reference encodes them. A set is an integer with a bit for each member,
a list one with a code for each place (zero where it ends), an array a tuple of scalars, a linear
form a vector of 32-bit coefficients.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from llvmlite import ir

from kmcheck.engines.native.context import STATUSES
from kmcheck.engines.native.emit import FAULT, I32, I64, WIDEN, Emitter, Value, i64
from kmcheck.engines.native.packing import CHUNK, Group, Key, Packing
from kmcheck.engines.native.plan import bits_of
from kmcheck.ir.layout import UNINITIALISED
from kmcheck.ir.types import ArrayOf, Counter, Int, ListOf, Ref, SetOf, Type

Index: TypeAlias = int | Value


class Shapes:
    """The forms that values of each type have in code."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.layout = packing.layout

    def of(self, kind: Type) -> Any:
        """Return the LLVM type of a value; a tuple of types for an array."""
        match kind:
            case SetOf(element=element):
                return ir.IntType(max(1, bits_of(self.packing, element)))
            case ListOf(element=element):
                return ir.IntType(max(1, self.layout.pool(element.kind) * self.code_width(element)))
            case ArrayOf(element=element, length=length):
                return (self.of(element),) * length
            case Counter():
                return ir.VectorType(I64, 1 + self.layout.symbols)
            case _:
                return I64

    def code_width(self, element: Ref) -> int:
        """Return how many bits of a list a place has."""
        pool = self.layout.pool(element.kind)
        return (2 * pool + 1 if self.stale(element) else pool).bit_length()

    def stale(self, kind: Type) -> bool:
        """Tell whether addresses of a type may be stale."""
        return isinstance(kind, Ref) and self.packing.stride(kind.kind) > 1

    def zero(self, kind: Type) -> Any:
        """Return what a place holds before anything is stored in it."""
        found = self.layout.zero(kind)
        if isinstance(kind, ArrayOf):
            values = zip(self.of(kind), list(found), strict=True)  # type: ignore[arg-type]
            return tuple(ir.Constant(t, v) for t, v in values)
        if isinstance(kind, Counter):
            return ir.Constant(self.of(kind), [0] * (1 + self.layout.symbols))
        return ir.Constant(self.of(kind), 0 if found == () else found)


class Faults:
    """The violations that code may find, and the bounds that it may reach: each has a number."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.bounds: list[str] = []
        self.widened: list[Key] = []

    def violation(self, name: str) -> int:
        """Return the status of a violation."""
        number = FAULT + _number(self.violations, name)
        assert number < STATUSES, "more violations than there are statuses for"
        return number

    def bound(self, what: str) -> int:
        """Return the number of a bound."""
        return _number(self.bounds, what)

    def widening(self, key: Key) -> int:
        """Return the number of a group that is too narrow."""
        return _number(self.widened, key)


def _number(known: list[Any], name: Any) -> int:
    if name not in known:
        known.append(name)
    return known.index(name)


class Cells(Emitter):
    """Writes code that reads and changes one state, whose words are at `words`."""

    def __init__(
        self,
        function: ir.Function,
        words: Value,
        context: Value,
        shapes: Shapes,
        faults: Faults,
        within: Emitter | None = None,
    ) -> None:
        super().__init__(function, within)
        self.words = words
        self.context = context
        self.shapes = shapes
        self.packing = shapes.packing
        self.layout = shapes.layout
        self.faults = faults

    # --- cells ---------------------------------------------------------------------------------

    def _place(self, group: Group, index: Index, cell: int) -> tuple[Value, Value]:
        """Return the pointer to a cell's word, and the shift in it."""
        b, width = self.builder, group.cells.width
        if isinstance(index, int):
            at = index * group.cells.count + cell
            word, shift = group.word + at // group.per, group.bit + at % group.per * width
            return b.gep(self.words, [i64(word)]), i64(shift)
        at = b.add(b.mul(index, i64(group.cells.count)), i64(cell))
        if group.elements * group.cells.count <= group.per:
            shift = b.add(b.mul(at, i64(width)), i64(group.bit))
            return b.gep(self.words, [i64(group.word)]), shift
        word = b.add(b.udiv(at, i64(group.per)), i64(group.word))
        return b.gep(self.words, [word]), b.mul(b.urem(at, i64(group.per)), i64(width))

    def code(self, group: Group, index: Index, cell: int = 0) -> Value:
        """Return the code in a cell."""
        if group.constants is not None:
            return self._constant(group, index, cell)
        if group.cells.width == 0 or not group.elements:
            return i64(0)
        pointer, shift = self._place(group, index, cell)
        moved = self.builder.lshr(self.builder.load(pointer), shift)
        return self.builder.and_(moved, i64((1 << group.cells.width) - 1))

    def _constant(self, group: Group, index: Index, cell: int) -> Value:
        assert group.constants is not None
        if not group.constants:
            return i64(0)
        if isinstance(index, int):
            return i64(group.constants[index * group.cells.count + cell])
        if len(set(group.constants[cell :: group.cells.count])) == 1:
            return i64(group.constants[cell])
        kind = ir.ArrayType(I64, len(group.constants))
        name = "constants." + ".".join(group.key)
        table = self.function.module.globals.get(name)
        if table is None:
            table = ir.GlobalVariable(self.function.module, kind, name)
            table.global_constant, table.linkage = True, "internal"
            table.initializer = ir.Constant(kind, list(group.constants))
        at = self.builder.add(self.builder.mul(index, i64(group.cells.count)), i64(cell))
        return self.builder.load(self.builder.gep(table, [i64(0), at]))

    def put(self, group: Group, index: Index, code: Value, cell: int = 0) -> None:
        """Write a code into a cell. It has to fit."""
        if group.constants is not None or group.cells.width == 0 or not group.elements:
            return
        b = self.builder
        pointer, shift = self._place(group, index, cell)
        hole = b.not_(b.shl(i64((1 << group.cells.width) - 1), shift))
        b.store(b.or_(b.and_(b.load(pointer), hole), b.shl(code, shift)), pointer)

    # --- values --------------------------------------------------------------------------------

    def read(self, group: Group, index: Index) -> Any:
        """Return the value of an element; a scalar that was never assigned is UNINITIALISED."""
        kind = group.type
        codes = [self.code(group, index, cell) for cell in range(group.cells.count)]
        match kind:
            case None:
                return codes[0]
            case SetOf():
                return self._joined(codes, CHUNK, self.shapes.of(kind))
            case ListOf(element=element):
                return self._joined(codes, self.shapes.code_width(element), self.shapes.of(kind))
            case ArrayOf(element=element):
                return tuple(self._scalar(group, element, code) for code in codes)
            case Counter():
                value = ir.Constant(self.shapes.of(kind), ir.Undefined)
                for at, code in enumerate(codes):
                    low = self.builder.add(code, i64(group.cells.low))
                    value = self.builder.insert_element(value, low, ir.Constant(I32, at))
                return value
            case _:
                return self._scalar(group, kind, codes[0])

    def is_unset(self, group: Group, index: Index) -> Value:
        """Return whether an element was never assigned."""
        code = self.code(group, index)
        return self.builder.icmp_unsigned("==", code, i64(group.cells.unset))

    def _joined(self, codes: list[Value], width: int, kind: ir.IntType) -> Value:
        if not codes:
            return ir.Constant(kind, 0)
        value = self.sized(codes[0], kind)
        for at, code in enumerate(codes[1:], start=1):
            part = self.builder.shl(self.sized(code, kind), ir.Constant(kind, at * width))
            value = self.builder.or_(value, part)
        return value

    def _scalar(self, group: Group, kind: Type, code: Value) -> Value:
        b, cells = self.builder, group.cells
        if isinstance(kind, SetOf):
            return self.sized(code, self.shapes.of(kind))
        value = code
        if isinstance(kind, Ref) and not self.shapes.stale(kind):
            value = b.shl(code, i64(1))
        elif isinstance(kind, Int) and cells.low:
            value = b.add(code, i64(cells.low))
        if cells.unset >= 0 and isinstance(group.type, type(kind)):
            unset = b.icmp_unsigned("==", code, i64(cells.unset))
            return b.select(unset, i64(UNINITIALISED), value)
        return value

    def write(self, group: Group, index: Index, value: Any) -> None:
        """Change an element. The step ends at a value that its cells are too narrow for."""
        kind, b = group.type, self.builder
        if group.constants is not None:
            return
        match kind:
            case SetOf():
                self._parted(group, index, value, CHUNK)
            case ListOf(element=element):
                self._parted(group, index, value, self.shapes.code_width(element))
            case ArrayOf(element=element):
                for cell, item in enumerate(value):
                    self._put_scalar(group, element, index, item, cell)
            case Counter():
                for cell in range(group.cells.count):
                    lane = b.extract_element(value, ir.Constant(I32, cell))
                    self._fit(group, index, b.sub(lane, i64(group.cells.low)), cell)
            case None:
                self.put(group, index, value)
            case _:
                self._put_scalar(group, kind, index, value, 0)

    def _parted(self, group: Group, index: Index, value: Value, width: int) -> None:
        for cell in range(group.cells.count):
            part = (
                self.builder.lshr(value, ir.Constant(value.type, cell * width)) if cell else value
            )
            if group.cells.count > 1:
                part = self.sized(part, I64)
                part = self.builder.and_(part, i64((1 << width) - 1))
            self.put(group, index, self.sized(part, I64), cell)

    def _put_scalar(self, group: Group, kind: Type, index: Index, value: Value, cell: int) -> None:
        b = self.builder
        if isinstance(kind, SetOf):
            self.put(group, index, self.sized(value, I64), cell)
            return
        code = value
        if isinstance(kind, Ref) and not self.shapes.stale(kind):
            code = b.lshr(value, i64(1))
        elif isinstance(kind, Int) and group.cells.low:
            code = b.sub(value, i64(group.cells.low))
        if group.cells.narrow:
            self._fit(group, index, code, cell)
        else:
            self.put(group, index, code, cell)

    def _fit(self, group: Group, index: Index, code: Value, cell: int) -> None:
        top = group.cells.unset if group.cells.unset >= 0 else 1 << group.cells.width
        number = self.faults.widening(group.key)
        self.refuse(self.builder.icmp_unsigned(">=", code, i64(top)), WIDEN, number)
        self.put(group, index, code, cell)

    def unset(self, group: Group, index: Index) -> None:
        """Mark an element as never assigned."""
        for cell in range(group.cells.count):
            self.put(group, index, i64(group.cells.unset), cell)

    def refuse(self, condition: Value, status: int, what: int) -> None:
        """Leave the function if a condition holds, and say about what."""
        with self.builder.if_then(condition, likely=False):
            self.builder.store(i64(what), self.builder.gep(self.context, [i64(0)]))
            self.fail(status)
