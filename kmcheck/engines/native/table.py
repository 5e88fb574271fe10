"""The visited set in code: open addressing, an entry in one of four forms, three of them exact.

`key`: the state itself, where one word has a bit to spare; nothing else is looked at then.
`number`: 32 bits, the state's number with as many bits of its hash above as there is room for.
`tagged`: 64 bits, the state's number below 24 bits of its hash. With a number, the state in the
arena is compared.
`fingerprint`: 64 bits, the state's hash and nothing else. States with equal hashes are taken for
one; where states are of one word with a bit to spare there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llvmlite import ir

from kmcheck.engines.native.code import Code, inner, outer
from kmcheck.engines.native.context import HELD
from kmcheck.engines.native.emit import I1, I32, I64, WORDS, Value, i64

Form = Literal["key", "number", "tagged", "fingerprint"]

SEED = 0xA0761D6478BD642F
FACTORS = (0x9E3779B97F4A7C15, 0xE7037ED1A0B428DB)
"""Odd multipliers: the golden ratio's (D. Knuth), and one of wyhash's (Wang Yi, public domain)."""

SCRAMBLE = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
LAST_SHIFT = 31
"""Shifts and odd multipliers of a bijection in which each bit changes half of all others.

Source: D. Stafford, "Better Bit Mixing" (2011), variant 13, which is also what SplitMix64 ends in.
"""

TAG = 40
"""Bits of a state's number in a tagged entry."""

HALF = 32
AHEAD = 16
"""How many look-ups ahead of its use a cache line is asked for."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where in a table a state is or belongs, and whether it is there."""

    place: Value
    known: Value


class Table:
    """Writes what looks states up, for one form and a number of threads."""

    def __init__(self, module: ir.Module, words: int, form: Form, threads: int) -> None:
        self.module = module
        self.words = words
        self.form = form
        self.threads = threads
        self.kind = I32 if form == "number" else I64
        self.hash = inner(module, "hash", I64, [WORDS])
        if form == "fingerprint":
            self._write_fingerprint()
            self._write_rehash_from_table()
        else:
            self._write_hash()
            self._write_rehash()

    def _write_fingerprint(self) -> None:
        """Fold each word in by a bijection: no two states that differ in one word are alike.

        It is never zero. Of one word that has a bit to spare nothing is lost: the word and one is
        not zero, and neither is then what the bijection makes of it.
        """
        b = ir.IRBuilder(self.hash.append_basic_block("entry"))
        value: Value = i64(0)
        for at in range(self.words):
            word = b.load(b.gep(self.hash.args[0], [i64(at)]))
            value = _scrambled(b, b.xor(value, word) if at else b.add(word, i64(1)))
        value = self.cut(b, value)
        b.ret(b.select(b.icmp_unsigned("==", value, i64(0)), i64(1), value))

    def cut(self, b: ir.IRBuilder, value: Value) -> Value:
        """Return what is kept of a fingerprint: all of it. Tests keep less."""
        del b
        return value

    def _write_hash(self) -> None:
        """Fold each word in by a product of 128 bits, as wyhash does."""
        b = ir.IRBuilder(self.hash.append_basic_block("entry"))
        value: Value = i64(SEED)
        for at in range(self.words):
            word = b.load(b.gep(self.hash.args[0], [i64(at)]))
            value = _folded(b, b.xor(value, word), FACTORS[0])
        b.ret(_folded(b, value, FACTORS[1]))

    def owner(self, code: Code, hashed: Value) -> Value:
        """Return the thread whose table a state belongs in."""
        if self.threads == 1:
            return i64(0)
        b = code.builder
        return b.lshr(b.mul(b.lshr(hashed, i64(HALF)), i64(self.threads)), i64(HALF))

    def slot(self, code: Code, table: Value, mask: Value, hashed: Value) -> Value:
        """Return where in a table the search for a state begins."""
        return code.builder.gep(table, [code.builder.and_(hashed, mask)])

    def entry(self, code: Code, words: Value, hashed: Value, mask: Value, number: Value) -> Value:
        """Return what stands in the table for a state: never zero."""
        b = code.builder
        match self.form:
            case "key":
                return b.add(b.load(words), i64(1))
            case "fingerprint":
                return hashed
            case "tagged":
                tag = b.shl(b.lshr(hashed, i64(TAG)), i64(TAG))
                return b.or_(tag, b.add(number, i64(1)))
            case "number":
                tag = b.shl(b.lshr(hashed, i64(HALF)), self._bits(code, mask))
                return b.trunc(b.or_(tag, b.add(number, i64(1))), I32)

    def _bits(self, code: Code, mask: Value) -> Value:
        """Return how many bits a number takes, at the most 32: all tables together are as full."""
        more = (self.threads - 1).bit_length()
        return code.builder.add(code.count(mask), i64(more))

    def seek(
        self, code: Code, table: Value, mask: Value, words: Value, hashed: Value, first: Value
    ) -> Seat:
        """Look a state up. States from number `first` on are in `fresh`, not in the arena yet."""
        b = code.builder
        wanted = self.entry(code, words, hashed, mask, i64(-1))
        slot, known = code.variable(I64), code.variable(I1)
        b.store(b.and_(hashed, mask), slot)
        b.store(ir.Constant(I1, 0), known)
        with code.loop() as out:
            at = b.load(slot)
            entry = b.load(b.gep(table, [at]))
            code.leave_if(b.icmp_unsigned("==", entry, ir.Constant(self.kind, 0)), out)
            same = self._same(code, entry, wanted, mask, words, first)
            b.store(same, known)
            code.leave_if(same, out)
            b.store(b.and_(b.add(at, i64(1)), mask), slot)
        return Seat(b.gep(table, [b.load(slot)]), b.load(known))

    def _same(
        self, code: Code, entry: Value, wanted: Value, mask: Value, words: Value, first: Value
    ) -> Value:
        """Return whether an entry is a state's."""
        b = code.builder
        if self.form in ("key", "fingerprint"):
            return b.icmp_unsigned("==", entry, wanted)
        entry, wanted = code.wide(entry), code.wide(wanted)
        bits = i64(TAG) if self.form == "tagged" else self._bits(code, mask)
        tags = b.icmp_unsigned("==", b.lshr(entry, bits), b.lshr(wanted, bits))
        then, out = (code.function.append_basic_block(n) for n in ("tagged", "compared"))
        before = b.block
        b.cbranch(tags, then, out)
        b.position_at_end(then)
        number = b.sub(b.and_(entry, b.sub(b.shl(i64(1), bits), i64(1))), i64(1))
        place = self._place(code, number, first)
        same: Value = ir.Constant(I1, 1)
        for at in range(self.words):
            other = b.load(b.gep(place, [i64(at)]))
            same = b.and_(same, b.icmp_unsigned("==", other, b.load(b.gep(words, [i64(at)]))))
        inside = b.block
        b.branch(out)
        b.position_at_end(out)
        return code.joined([(ir.Constant(I1, 0), before), (same, inside)])

    def _place(self, code: Code, number: Value, first: Value) -> Value:
        """Return where a state is whose number may be of this round."""
        b, kept = code.builder, code.kept(number, self.words)
        if self.threads == 1:
            return kept
        return b.select(b.icmp_unsigned("<", number, first), kept, self._young(code, number, first))

    def _young(self, code: Code, number: Value, first: Value) -> Value:
        """Return where in the buffers a state of this round is."""
        b = code.builder
        old = b.icmp_unsigned("<", number, first)
        at = b.select(old, i64(0), b.sub(number, first))
        return code.pointer(b.load(code.address("fresh", b.mul(at, i64(2)))))

    def _write_rehash(self) -> None:
        """What puts all states that belong to a thread into its new table."""
        function = outer(self.module, "rehash", ir.VoidType(), [])
        code = Code(function, function.args[0])
        b, me, mine = code.builder, code.get("thread"), code.variable(I64)
        table, mask = code.table(me, self.kind), code.get("mask")
        b.store(i64(0), mine)
        with code.times(code.get("states")) as number:
            later = b.call(self.hash, [code.kept(b.add(number, i64(AHEAD)), self.words)])
            code.prefetch(self.slot(code, table, mask, later))
            words = code.kept(number, self.words)
            hashed = b.call(self.hash, [words])
            with b.if_then(b.icmp_unsigned("==", self.owner(code, hashed), me)):
                seat = self._free(code, table, mask, hashed)
                b.store(self.entry(code, words, hashed, mask, number), seat)
                b.store(b.add(b.load(mine), i64(1)), mine)
        b.store(b.load(mine), self.held(code, me))
        b.ret_void()

    def _write_rehash_from_table(self) -> None:
        """What puts a piece of a thread's former table into its new one: states may be gone."""
        function = outer(self.module, "rehash", ir.VoidType(), [])
        code = Code(function, function.args[0])
        b, me, mine = code.builder, code.get("thread"), code.variable(I64)
        table, mask = code.table(me, self.kind), code.get("mask")
        first = code.get("former_from")
        b.store(b.load(self.held(code, me)), mine)
        with code.times(b.sub(code.get("former_until"), first)) as at:
            hashed = b.load(code.address("former", b.add(first, at)))
            with b.if_then(code.truth(hashed)):
                b.store(hashed, self._free(code, table, mask, hashed))
                b.store(b.add(b.load(mine), i64(1)), mine)
        b.store(b.load(mine), self.held(code, me))
        b.ret_void()

    def _free(self, code: Code, table: Value, mask: Value, hashed: Value) -> Value:
        """Return the first free place for a state that is known to be new."""
        b, slot = code.builder, code.variable(I64)
        b.store(b.and_(hashed, mask), slot)
        with code.loop() as out:
            at = b.load(slot)
            entry = b.load(b.gep(table, [at]))
            code.leave_if(b.icmp_unsigned("==", entry, ir.Constant(self.kind, 0)), out)
            b.store(b.and_(b.add(at, i64(1)), mask), slot)
        return b.gep(table, [b.load(slot)])

    def held(self, code: Code, owner: Value) -> Value:
        """Return where it is counted how many states a thread's table has."""
        return code.builder.gep(code.context, [code.builder.add(i64(HELD), owner)])


def _scrambled(b: ir.IRBuilder, value: Value) -> Value:
    """Return what a bijection makes of a word: zero of zero."""
    for shift, factor in SCRAMBLE:
        value = b.mul(b.xor(value, b.lshr(value, i64(shift))), i64(factor))
    return b.xor(value, b.lshr(value, i64(LAST_SHIFT)))


def _folded(b: ir.IRBuilder, value: Value, factor: int) -> Value:
    """Return the two halves of a product, joined."""
    wide = ir.IntType(128)
    product = b.mul(b.zext(value, wide), ir.Constant(wide, factor))
    return b.xor(b.trunc(b.lshr(product, ir.Constant(wide, 64)), I64), b.trunc(product, I64))
