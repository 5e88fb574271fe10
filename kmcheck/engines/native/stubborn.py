"""Writes the choice of a stubborn set: whose steps are enough to explore, of those that can go on.

The same as `semantics.stubborn` chooses. Sets of actors are bit masks.
"""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.cells import Cells, Faults, Shapes
from kmcheck.engines.native.code import inner
from kmcheck.engines.native.emit import I64, WORDS, Emitter, Value, i64
from kmcheck.engines.native.meetings import Actor, Meetings
from kmcheck.ir.stubborn import Stubborn


class StubbornSets:
    """The code for one packing: `function(words, enabled, failing)` returns who is to go on."""

    def __init__(self, module: ir.Module, shapes: Shapes, stubborn: Stubborn) -> None:
        self.module = module
        self.shapes = shapes
        layout = shapes.layout
        self.actors = [(n, i) for n in layout.processes for i in range(layout.instances(n))]
        self.actors += [(n, 0) for n, t in layout.program.templates.items() if t.role == "action"]
        self.meetings = Meetings(module, shapes, stubborn)
        self.disturbing = self._disturbing()
        self.closure = self._closure()
        self.function = self._choose(alike=stubborn.alike)

    def _choose(self, *, alike: bool) -> ir.Function:
        function = inner(self.module, "choose", I64, [WORDS, I64, I64])
        words, enabled, failing = function.args
        code = Emitter(function)
        b, count = code.builder, len(self.actors)
        at, known, sets = (_array(code, count) for _ in range(3))
        with b.if_then(b.icmp_unsigned("<=", code.count(enabled), i64(1))):
            b.ret(enabled)
        whole = self._whole(code, words, at, failing)
        for actor in range(count):
            b.store(i64(-1), b.gep(known, [i64(actor)]))
            b.store(i64(0), b.gep(sets, [i64(actor)]))
        best, least, ahead = (code.variable(I64) for _ in range(3))
        b.store(enabled, best)
        b.store(code.count(enabled), least)
        b.store(b.and_(enabled, b.not_(whole)), ahead)
        with code.loop() as out:
            left = b.load(ahead)
            none = b.icmp_unsigned("==", left, i64(0))
            alone = b.icmp_unsigned("<=", b.load(least), i64(1))
            code.leave_if(none if alike else b.or_(none, alone), out)
            b.store(b.and_(left, b.sub(left, i64(1))), ahead)
            seen, seed = b.and_(enabled, whole), code.least(left)
            found = b.call(self.closure, [words, at, known, enabled, seen, seed])
            going = b.and_(found, enabled)
            free = b.icmp_unsigned("==", b.and_(found, seen), i64(0))
            with b.if_then(free):
                b.store(going, b.gep(sets, [seed]))
                if not alike:
                    with b.if_then(b.icmp_unsigned("<", code.count(going), b.load(least))):
                        b.store(going, best)
                        b.store(code.count(going), least)
        if alike:
            self._take_together(code, (at, sets), best, code.count(enabled))
        b.ret(b.load(best))
        return function

    def _take_together(
        self, code: Emitter, arrays: tuple[Value, Value], best: Value, all_: Value
    ) -> None:
        """Write which sets are chosen: those of one template, place and size are taken together."""
        b, (at, sets) = code.builder, arrays
        least = code.variable(I64)
        b.store(b.shl(all_, i64(48)), least)
        names = [name for name, _ in self.actors]
        for one, name in enumerate(names):
            own, place = (b.load(b.gep(array, [i64(one)])) for array in (sets, at))
            size, union = code.count(own), own
            for other in range(len(names)):
                if other != one and names[other] == name:
                    more = b.load(b.gep(sets, [i64(other)]))
                    there = b.load(b.gep(at, [i64(other)]))
                    alike = b.and_(
                        b.icmp_unsigned("==", code.count(more), size),
                        b.icmp_unsigned("==", there, place),
                    )
                    union = b.or_(union, b.select(alike, more, i64(0)))
            template = i64(names.index(name) << 40)
            rank = b.or_(b.shl(code.count(union), i64(48)), template)
            rank = b.or_(rank, b.or_(b.shl(place, i64(8)), size))
            fewer = b.icmp_unsigned("<", rank, b.load(least))
            with b.if_then(b.and_(b.icmp_unsigned("!=", own, i64(0)), fewer)):
                b.store(rank, least)
                b.store(union, best)

    def _whole(self, code: Emitter, words: Value, at: Value, failing: Value) -> Value:
        """Note where everybody is, and return who is not to be put before others."""
        b, whole = code.builder, failing
        reader = Cells(code.function, words, words, self.shapes, Faults(), code)
        for actor, (name, instance) in enumerate(self.actors):
            place = reader.code(self.shapes.packing.groups["pc", name, ""], instance)
            b.store(place, b.gep(at, [i64(actor)]))
            bit = b.shl(self.meetings.is_whole(b, name, place), i64(actor))
            whole = b.or_(whole, bit)
        return whole

    def _closure(self) -> ir.Function:
        """Write what takes an actor with all that disturb it: (.., enabled, seen, seed).

        It may stop early with a set that has one of `seen` in it.
        """
        function = inner(self.module, "taken", I64, [WORDS, WORDS, WORDS, I64, I64, I64])
        words, at, known, enabled, seen, seed = function.args
        code = Emitter(function)
        b = code.builder
        found, ahead = code.variable(I64), code.variable(I64)
        first = b.shl(i64(1), seed)
        b.store(first, found)
        b.store(first, ahead)
        with code.loop() as out:
            left, now = b.load(ahead), b.load(found)
            none = b.icmp_unsigned("==", left, i64(0))
            hopeless = b.icmp_unsigned("!=", b.and_(now, seen), i64(0))
            code.leave_if(b.or_(none, hopeless), out)
            actor = code.least(left)
            place = b.gep(known, [actor])
            with b.if_then(b.icmp_unsigned("==", b.load(place), i64(-1))):
                can_go = b.and_(b.lshr(enabled, actor), i64(1))
                b.store(b.call(self.disturbing, [words, at, actor, can_go]), place)
            new = b.and_(b.load(place), b.not_(now))
            b.store(b.or_(now, new), found)
            b.store(b.or_(b.and_(left, b.sub(left, i64(1))), new), ahead)
        b.ret(b.load(found))
        return function

    def _disturbing(self) -> ir.Function:
        """Write who may disturb an actor: (words, positions, actor, whether it can go on)."""
        function = inner(self.module, "disturbing", I64, [WORDS, WORDS, I64, I64])
        words, at, actor, can_go = function.args
        code = Emitter(function)
        b = code.builder
        nowhere = function.append_basic_block("nowhere")
        choice = b.switch(actor, nowhere)
        for number in range(len(self.actors)):
            block = function.append_basic_block("who")
            choice.add_case(i64(number), block)
            b.position_at_end(block)
            found: Value = i64(0)
            for other in range(len(self.actors)):
                if other != number:
                    pair = (self._actor(b, at, number), self._actor(b, at, other))
                    meets = self.meetings.meet(code, words, pair, can_go=can_go)
                    found = b.or_(found, b.shl(code.wide(meets), i64(other)))
            b.ret(found)
        b.position_at_end(nowhere)
        b.unreachable()
        return function

    def _actor(self, b: ir.IRBuilder, at: Value, number: int) -> Actor:
        name, instance = self.actors[number]
        return Actor(name, instance, b.load(b.gep(at, [i64(number)])))


def _array(code: Emitter, count: int) -> Value:
    place = code.variable(ir.ArrayType(I64, max(1, count)))
    return code.builder.gep(place, [i64(0), i64(0)])
