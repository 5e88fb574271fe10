"""Delayed duplicate detection: states that wait are compared with all those on disk, in one pass.

When the states outgrow memory they lie in a file in the order of discovery, and the tables only
have states that wait: found since the last pass, and new as far as these tables know. A pass reads
the file from end to end, looks each state up among those that wait, and so finds which of these are
old. The others move together, in their order, and are judged. Numbers and parents are so those of
a search that remembers everything.

Source: R. Korf, "Best-First Frontier Search with Delayed Duplicate Detection", AAAI 2004; it
sorts, here the states that wait are hashed.
"""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.code import Code, outer
from kmcheck.engines.native.context import STEPS_BITS
from kmcheck.engines.native.emit import I8, I32, I64, i64
from kmcheck.engines.native.judgement import Judgement
from kmcheck.engines.native.table import AHEAD, TAG, Table


class Sifting:
    """Writes `sift(context, first, end, base)` and `settle(context, base, end)`."""

    def __init__(self, table: Table, judgement: Judgement) -> None:
        self.table = table
        self.words = table.words
        self.judgement = judgement
        self._sift()
        self._settle()

    def _sift(self) -> None:
        """What marks the states from `base` on that are among those from `first` to `end`.

        Each thread does so for the states in its own table.
        """
        function = outer(self.table.module, "sift", ir.VoidType(), [I64, I64, I64])
        context, first, end, base = function.args
        code = Code(function, context)
        b, me, mask = code.builder, code.get("thread"), code.get("mask")
        table = code.table(me, self.table.kind)
        with code.times(b.sub(end, first)) as at:
            number = b.add(first, at)
            later = b.call(self.table.hash, [code.kept(b.add(number, i64(AHEAD)), self.words)])
            code.prefetch(self.table.slot(code, table, mask, later))
            words = code.kept(number, self.words)
            hashed = b.call(self.table.hash, [words])
            with b.if_then(b.icmp_unsigned("==", self.table.owner(code, hashed), me)):
                seat = self.table.seek(code, table, mask, words, hashed, i64(-1))
                with b.if_then(seat.known):
                    entry = b.and_(b.load(seat.place), i64((1 << TAG) - 1))
                    waits = b.sub(b.sub(entry, i64(1)), base)
                    b.store(ir.Constant(I8, 1), code.address("old", waits, I8))
        b.ret_void()

    def _settle(self) -> None:
        """What moves the states that are not old together, judges them, and returns their end."""
        function = outer(self.table.module, "settle", I64, [I64, I64])
        context, base, end = function.args
        code = Code(function, context)
        b, to = code.builder, code.variable(I64)
        b.store(base, to)
        with code.times(b.sub(end, base)) as at:
            place = code.address("old", at, I8)
            fresh = b.icmp_unsigned("==", b.load(place), ir.Constant(I8, 0))
            b.store(ir.Constant(I8, 0), place)
            with b.if_then(fresh):
                number = b.load(to)
                kept = code.kept(number, self.words)
                code.copy(code.kept(b.add(base, at), self.words), kept, self.words)
                parent = b.load(code.address("parents", b.add(base, at), I32))
                b.store(parent, code.address("parents", number, I32))
                parent = b.zext(parent, I64)
                when = b.shl(parent, i64(STEPS_BITS))
                previous = code.kept(parent, self.words)
                b.call(self.judgement.function, [context, kept, previous, number, when])
                b.store(b.add(number, i64(1)), to)
        b.ret(b.load(to))
