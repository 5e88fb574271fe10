"""Tells in code whether two actors meet: a table by where they are, and what they point to.

Where two actors are, a table says that they never meet (0), always (1), or by the number of what is
to be looked up: whether two of their variables, say, point to the same object.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from kmcheck.engines.native.cells import Cells, Faults, Shapes
from kmcheck.engines.native.emit import I1, I64, WORDS, Emitter, Value, i64
from kmcheck.ir.stubborn import ME, Footprint, Meeting, Point, Row, Stubborn, clash, wake

I16 = ir.IntType(16)
WAYS = (wake, clash)
"""How two actors meet where the first is blocked, and where it can go on."""
ENTRY = ir.ArrayType(I16, len(WAYS))

Pairs = frozenset[tuple[Point, Point]]


class Actor(NamedTuple):
    """A process or an action, and in code where it is."""

    name: str
    instance: int
    at: Value


class Index(NamedTuple):
    """The index of an object, and whether there is one: null is none."""

    number: Value
    exists: Value


class Meetings:
    """The tables of a system, for each two of its templates."""

    def __init__(self, module: ir.Module, shapes: Shapes, stubborn: Stubborn) -> None:
        self.module = module
        self.shapes = shapes
        templates = shapes.layout.program.templates
        names = [name for name in templates if name in stubborn.rows]
        self.rows = {name: self._rows(stubborn, name) for name in names}
        self.found: dict[tuple[int, int, int], Meeting] = {}
        self.numbers: dict[Pairs, int] = {}
        self.wholes = {name: self._whole(name) for name in names}
        self.tables = {(one, two): self._table(one, two) for one in names for two in names}
        self.lookers = {pair: self._looker(*pair) for pair in self.tables}

    def _rows(self, stubborn: Stubborn, name: str) -> list[Row | None]:
        """Return the rows of a template by the codes of positions: None where it has ended."""
        group = self.shapes.packing.groups["pc", name, ""]
        return [stubborn.rows[name][position] if position else None for position in group.codes]

    def is_whole(self, b: ir.IRBuilder, name: str, at: Value) -> Value:
        """Return 1 where a step is not to be put before others, else 0."""
        return b.load(b.gep(self.wholes[name], [i64(0), at]))

    def meet(
        self, code: Emitter, words: Value, actors: tuple[Actor, Actor], *, can_go: Value
    ) -> Value:
        """Return whether what the second does may disturb the next step of the first."""
        b, (one, two) = code.builder, actors
        entry = [i64(0), one.at, two.at, can_go]
        number = b.zext(b.load(b.gep(self.tables[one.name, two.name], entry)), I64)
        always = b.icmp_unsigned("==", number, i64(1))
        looker = self.lookers[one.name, two.name]
        if looker is None:
            return always
        answer = code.variable(I1)
        b.store(always, answer)
        with b.if_then(b.icmp_unsigned(">", number, i64(1))):
            b.store(b.call(looker, [words, i64(one.instance), i64(two.instance), number]), answer)
        return b.load(answer)

    # --- tables --------------------------------------------------------------------------------

    def _constant(self, name: str, kind: ir.Type, values: object) -> ir.GlobalVariable:
        table = ir.GlobalVariable(self.module, kind, name)
        table.global_constant, table.linkage = True, "internal"
        table.initializer = ir.Constant(kind, values)
        return table

    def _whole(self, name: str) -> ir.GlobalVariable:
        values = [int(row is not None and row.whole) for row in self.rows[name]]
        return self._constant(f"whole.{name}", ir.ArrayType(I64, len(values)), values)

    def _table(self, one: str, two: str) -> ir.GlobalVariable:
        inner = ir.ArrayType(ENTRY, len(self.rows[two]))
        kind = ir.ArrayType(inner, len(self.rows[one]))
        values = [
            ir.Constant(inner, [self._entry(step, later) for later in self.rows[two]])
            for step in self.rows[one]
        ]
        return self._constant(f"meeting.{one}.{two}", kind, values)

    def _entry(self, step: Row | None, later: Row | None) -> ir.Constant:
        if step is None or later is None:
            return ir.Constant(ENTRY, [0] * len(WAYS))
        return ir.Constant(ENTRY, [self._number(w, step.next, later.ever) for w in range(2)])

    def _number(self, way: int, step: Footprint, later: Footprint) -> int:
        key = (way, id(step), id(later))
        if key not in self.found:
            self.found[key] = WAYS[way](step, later)
        meeting = self.found[key]
        if isinstance(meeting, bool):
            return int(meeting)
        return self.numbers.setdefault(meeting, len(self.numbers) + 2)

    # --- what is looked up ---------------------------------------------------------------------

    def _looker(self, one: str, two: str) -> ir.Function | None:
        """Write what looks two actors' variables up: (words, instance, instance, number)."""
        cases = {
            pairs
            for step in self.rows[one]
            for later in self.rows[two]
            if step is not None and later is not None
            for way in range(len(WAYS))
            if isinstance(pairs := self.found[way, id(step.next), id(later.ever)], frozenset)
        }
        if not cases:
            return None
        kind = ir.FunctionType(I1, [WORDS, I64, I64, I64])
        function = ir.Function(self.module, kind, f"meet.{one}.{two}")
        function.linkage = "internal"
        words, first, second, number = function.args
        reader = Cells(function, words, words, self.shapes, Faults())
        b = reader.builder
        nowhere = function.append_basic_block("nowhere")
        choice = b.switch(number, nowhere)
        for pairs in sorted(cases, key=self.numbers.__getitem__):
            block = function.append_basic_block("look")
            choice.add_case(i64(self.numbers[pairs]), block)
            b.position_at_end(block)
            same: Value = ir.Constant(I1, 0)
            for point, other in sorted(pairs):
                here = self._index(reader, one, first, point)
                there = self._index(reader, two, second, other)
                both = b.and_(here.exists, there.exists)
                equal = b.icmp_unsigned("==", here.number, there.number)
                same = b.or_(same, b.and_(both, equal))
            b.ret(same)
        b.position_at_end(nowhere)
        b.unreachable()
        return function

    def _index(self, reader: Cells, name: str, instance: Value, point: Point) -> Index:
        b, shift, always = reader.builder, i64(point.shift), ir.Constant(I1, 1)
        if not point.source:
            return Index(shift, always)
        if point.source == ME:
            return Index(b.add(instance, shift), always)
        value = self._variable(reader, name, instance, point.source)
        if not point.halved:
            return Index(b.add(value, shift), always)
        some = b.icmp_signed(">", value, i64(0))
        return Index(b.add(b.ashr(value, i64(1)), shift), some)

    def _variable(self, reader: Cells, name: str, instance: Value, variable: str) -> Value:
        """Return what a variable holds: one that has no bits is zero between steps."""
        group = self.shapes.packing.groups.get(("var", name, variable))
        if group is not None:
            return reader.read(group, instance)
        zero = self.shapes.layout.zero(
            self.shapes.layout.program.templates[name].variables[variable]
        )
        assert isinstance(zero, int), "a point is a number or an address"
        return i64(zero)
