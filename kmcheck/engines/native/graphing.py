"""The graph of all states in code: where each step leads to, and what each state owes to whom.

Written for a search that has ended, over the states that it found: all of them are in the arena,
and every state that a step leads to is in the tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from kmcheck.engines.native.cells import Faults, Shapes
from kmcheck.engines.native.code import Code, inner, outer
from kmcheck.engines.native.emit import I1, I16, I32, I64, OK, WORDS, Value, i64
from kmcheck.engines.native.expanding import Expanding
from kmcheck.engines.native.surveys import Surveys
from kmcheck.engines.native.table import TAG
from kmcheck.ir.program import Property
from kmcheck.ir.types import SetOf
from kmcheck.semantics.obligations import has_to_end, scales

GIVEN = ("starts", "targets", "actors", "count", "first", "end")
"""What is given to `edges`, as numbers of 64 bits: addresses of the arrays that it fills, how many
steps it has found, and from which state to which it is to go."""
AT = {name: at for at, name in enumerate(GIVEN)}


class Edges:
    """Writes `edges(context, given)`: it fills the arrays with the steps out of some states."""

    def __init__(self, expanding: Expanding) -> None:
        """Let everybody step as `expanding` does; its table has to be one of numbers."""
        self.table = table = expanding.table
        function = outer(table.module, "edges", ir.VoidType(), [WORDS])
        context, given = function.args
        code = Code(function, context)
        b, words = code.builder, table.words
        now, then = (b.bitcast(code.variable(ir.ArrayType(I64, words)), WORDS) for _ in range(2))
        first = _get(code, given, "first")
        with code.times(b.sub(_get(code, given, "end"), first)) as at:
            number = b.add(first, at)
            code.copy(code.kept(number, words), now, words)
            b.store(_get(code, given, "count"), _element(code, given, "starts", number))
            for actor, who in enumerate(expanding.actors(expanding.reader(code, now))):
                goes = expanding.goes(code, who, actor, None)
                with b.if_then(goes), expanding.ways(code, who, now, then) as status:
                    taken = b.icmp_unsigned("==", status, ir.Constant(I32, OK))
                    with b.if_then(taken):
                        self._take(code, given, actor, then)
        b.ret_void()

    def _take(self, code: Code, given: Value, actor: int, then: Value) -> None:
        """Write that somebody steps to a state: it is in the tables."""
        b, table = code.builder, self.table
        hashed = b.call(table.hash, [then])
        entries = code.table(table.owner(code, hashed), table.kind)
        seat = table.seek(code, entries, code.get("mask"), then, hashed, i64(-1))
        number = b.sub(b.and_(b.load(seat.place), i64((1 << TAG) - 1)), i64(1))
        at = _get(code, given, "count")
        b.store(b.trunc(number, I32), _element(code, given, "targets", at, I32))
        b.store(ir.Constant(I16, actor), _element(code, given, "actors", at, I16))
        b.store(b.add(at, i64(1)), b.gep(given, [i64(AT["count"])]))


def _get(code: Code, given: Value, name: str) -> Value:
    return code.builder.load(code.builder.gep(given, [i64(AT[name])]))


def _element(code: Code, given: Value, name: str, at: Value, kind: ir.Type = I64) -> Value:
    return code.builder.gep(code.pointer(_get(code, given, name), kind), [at])


class Owing:
    """Writes a function for each name: (context, owed, begins, first, end), which fills two arrays.

    Each has a word for each state. It returns the number of the first state in which the property
    cannot be evaluated, or `end`.
    """

    def __init__(self, module: ir.Module, words: int, shapes: Shapes, faults: Faults) -> None:
        self.module = module
        self.words = words
        self.shapes = shapes
        self.faults = faults

    def write(self, names: Sequence[str], properties: Sequence[Property]) -> None:
        """Write the functions of some names: of properties, and of the built-in ones."""
        own = {prop.name: prop for prop in properties}
        for name in names:
            self._name(name, own.get(name))

    def _name(self, name: str, prop: Property | None) -> None:
        one = self._ending() if prop is None else self._of(prop)
        function = outer(self.module, f"owing.{name}", I64, [WORDS, WORDS, I64, I64])
        context, owed, begins, first, end = function.args
        code = Code(function, context)
        b = code.builder
        with code.times(b.sub(end, first)) as at:
            number = b.add(first, at)
            state = code.kept(number, self.words)
            places = [b.gep(array, [number]) for array in (owed, begins)]
            status = b.call(one, [state, context, *places])
            with b.if_then(b.icmp_unsigned("!=", status, ir.Constant(I32, OK)), likely=False):
                b.ret(number)
        b.ret(end)

    def _of(self, prop: Property) -> ir.Function:
        function = inner(self.module, f"owed.{prop.name}", I32, [WORDS, WORDS, WORDS, WORDS])
        words, context, owed, begins = function.args
        code = Surveys(function, words, context, self.shapes, self.faults)
        b = code.builder
        for place in (owed, begins):
            b.store(i64(0), place)
        scale = scales(self.shapes.layout, prop)

        def bind(depth: int, bit: Value) -> None:
            if depth == len(prop.parameters):
                one = b.shl(i64(1), bit)
                truth = code.test(prop.formula)
                _mark(b, owed, one, b.not_(truth))
                begun = ir.Constant(I1, 1) if prop.trigger is None else code.test(prop.trigger)
                _mark(b, begins, one, begun)
                return
            cell, _, domain = prop.parameters[depth]
            first, step, count = scale[depth]
            assert isinstance(domain.type, SetOf)
            with code.members(domain.type.element, code.of(domain)) as (member, _):
                b.store(member, code.cell(cell))
                place = b.udiv(b.sub(member, i64(first)), i64(step))
                bind(depth + 1, b.add(b.mul(bit, i64(count)), place))

        bind(0, i64(0))
        b.ret(ir.Constant(I32, OK))
        return function

    def _ending(self) -> ir.Function:
        name = "owed.ending"
        if name in self.module.globals:
            return self.module.globals[name]
        function = inner(self.module, name, I32, [WORDS, WORDS, WORDS, WORDS])
        words, context, owed, begins = function.args
        code = Surveys(function, words, context, self.shapes, self.faults)
        b, layout = code.builder, self.shapes.layout
        for place in (owed, begins):
            b.store(i64(0), place)
        for bit, (number, _) in enumerate(has_to_end(layout)):
            template, instance = layout.process_of(number)
            there = b.not_(code.is_at(template, instance, frozenset({0})))
            for place in (owed, begins):
                _mark(b, place, i64(1 << bit), there)
        b.ret(ir.Constant(I32, OK))
        return function


def _mark(b: ir.IRBuilder, place: Value, bit: Value, there: Value) -> None:
    b.store(b.or_(b.load(place), b.select(there, bit, i64(0))), place)
