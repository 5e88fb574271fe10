"""The search itself in code: expand states in order, look their successors up, judge new ones."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.context import (
    BREAKS,
    EVENT,
    EVENTS,
    MISSTEPS,
    PLACES,
    SORTS,
    STATUSES,
)
from kmcheck.engines.native.emit import (
    FULL,
    I1,
    I8,
    I32,
    I64,
    OK,
    UNDECIDED,
    WORDS,
    Emitter,
    Value,
    i64,
)
from kmcheck.engines.native.judging import Judging
from kmcheck.engines.native.packing import Packing
from kmcheck.engines.native.steps import Steps

MIX = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
"""Multipliers of MurmurHash3's finalizer (A. Appleby, public domain)."""

TAG = 40
"""Bits of a state's number in an entry of the table; above are bits of its hash."""


class Code(Emitter):
    """Writes a function that works on a context."""

    def __init__(self, function: ir.Function, context: Value) -> None:
        super().__init__(function)
        self.context = context

    def place(self, name: str) -> Value:
        """Return where a number of the context is."""
        return self.builder.gep(self.context, [i64(PLACES[name])])

    def get(self, name: str) -> Value:
        """Return a number of the context."""
        return self.builder.load(self.place(name))

    def set(self, name: str, value: Value) -> None:
        """Change a number of the context."""
        self.builder.store(value, self.place(name))

    def increase(self, name: str, by: int = 1) -> Value:
        """Add to a number of the context, and return what it was."""
        old = self.get(name)
        self.set(name, self.builder.add(old, i64(by)))
        return old

    def address(self, name: str, index: Value, kind: ir.Type = I64) -> Value:
        """Return the address of an element of an array of the context."""
        start = self.builder.inttoptr(self.get(name), kind.as_pointer())
        return self.builder.gep(start, [index])


class Core:
    """Writes the search for one packing."""

    def __init__(self, module: ir.Module, packing: Packing, steps: Steps, judging: Judging) -> None:
        self.module = module
        self.packing = packing
        self.words = packing.words
        self.steps = steps
        self.judging = judging
        self.program = packing.layout.program
        self.record = self._record()
        self.hash = self._hash()
        self.judge = self._judge()
        self.drain = self._drain()
        self._rehash()
        self._add()

    def function(self, name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
        """Return a new function that only machine code calls."""
        function = ir.Function(self.module, ir.FunctionType(result, arguments), name)
        function.linkage = "internal"
        return function

    # --- events --------------------------------------------------------------------------------

    def _record(self) -> ir.Function:
        """Return what notes an event, the first of its sort, in the order of `context.EVENT`."""
        function = self.function("record", ir.VoidType(), [WORDS, *[I64] * EVENT])
        context, sort, what, status, *_ = function.args
        code = Code(function, context)
        b = code.builder
        key = b.add(b.mul(what, i64(SORTS)), sort)
        flag = code.address("reported", b.add(b.mul(key, i64(STATUSES)), status), I8)
        room = b.icmp_unsigned("<", code.get("events_count"), i64(EVENTS))
        with b.if_then(b.icmp_unsigned("==", b.load(flag), ir.Constant(I8, 0))):
            with b.if_then(b.not_(room), likely=False):
                code.set("stop", i64(FULL))
                b.ret_void()
            b.store(ir.Constant(I8, 1), flag)
            at = code.increase("events_count")
            for field, value in enumerate(function.args[1:]):
                where = b.add(b.mul(at, i64(EVENT)), i64(field))
                b.store(value, code.address("events", where))
        b.ret_void()
        return function

    # --- the table -----------------------------------------------------------------------------

    def _hash(self) -> ir.Function:
        function = self.function("hash", I64, [WORDS])
        b = ir.IRBuilder(function.append_basic_block("entry"))
        value: Value = i64(0)
        for at in range(self.words):
            value = b.xor(value, b.load(b.gep(function.args[0], [i64(at)])))
            for factor in MIX:
                value = b.mul(b.xor(value, b.lshr(value, i64(33))), i64(factor))
            value = b.xor(value, b.lshr(value, i64(33)))
        b.ret(value)
        return function

    def _entry(self, b: ir.IRBuilder, words: Value, hashed: Value, number: Value) -> Value:
        """Return what stands in the table for a state: never zero."""
        if self.words == 1:
            return b.add(b.load(words), i64(1))
        tag = b.shl(b.lshr(hashed, i64(TAG)), i64(TAG))
        return b.or_(tag, b.add(number, i64(1)))

    def _is_it(self, code: Code, entry: Value, wanted: Value, words: Value) -> Value:
        """Return whether an entry of the table is a state's."""
        b = code.builder
        if self.words == 1:
            return b.icmp_unsigned("==", entry, wanted)
        tags = b.icmp_unsigned("==", b.lshr(entry, i64(TAG)), b.lshr(wanted, i64(TAG)))

        def compared() -> Value:
            number = b.sub(b.and_(entry, i64((1 << TAG) - 1)), i64(1))
            place = code.address("arena", b.mul(number, i64(self.words)))
            same: Value = ir.Constant(I1, 1)
            for at in range(self.words):
                other = b.load(b.gep(place, [i64(at)]))
                same = b.and_(same, b.icmp_unsigned("==", other, b.load(b.gep(words, [i64(at)]))))
            return same

        first, out = (code.function.append_basic_block(n) for n in ("tagged", "compared"))
        before = b.block
        b.cbranch(tags, first, out)
        b.position_at_end(first)
        same = compared()
        inside = b.block
        b.branch(out)
        b.position_at_end(out)
        return code.joined([(ir.Constant(I1, 0), before), (same, inside)])

    def _seek(self, code: Code, words: Value, hashed: Value, number: Value) -> tuple[Value, Value]:
        """Look a state up: return where in the table it is or belongs, and whether it is there."""
        b = code.builder
        wanted = self._entry(b, words, hashed, number)
        slot, known = code.variable(I64), code.variable(I1)
        b.store(b.and_(hashed, code.get("mask")), slot)
        b.store(ir.Constant(I1, 0), known)
        with code.loop() as out:
            at = b.load(slot)
            entry = b.load(code.address("table", at))
            code.leave_if(b.icmp_unsigned("==", entry, i64(0)), out)
            same = self._is_it(code, entry, wanted, words)
            b.store(same, known)
            code.leave_if(same, out)
            b.store(b.and_(b.add(at, i64(1)), code.get("mask")), slot)
        place = code.address("table", b.load(slot))
        return place, b.load(known)

    def _rehash(self) -> None:
        """What puts all states into a new table."""
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [WORDS]), "rehash")
        code = Code(function, function.args[0])
        b, at = code.builder, code.variable(I64)
        b.store(i64(0), at)
        with code.loop() as out:
            number = b.load(at)
            code.leave_if(b.icmp_unsigned(">=", number, code.get("states")), out)
            words = code.address("arena", b.mul(number, i64(self.words)))
            hashed = b.call(self.hash, [words])
            place, _ = self._seek(code, words, hashed, number)
            b.store(self._entry(b, words, hashed, number), place)
            b.store(b.add(number, i64(1)), at)
        b.ret_void()

    # --- new states ----------------------------------------------------------------------------

    def _judge(self) -> ir.Function:
        """What judges a state: (context, state, previous or itself, its number, when)."""
        function = self.function("judge", ir.VoidType(), [WORDS, WORDS, WORDS, I64, I64])
        context, words, previous, number, sequence = function.args
        code = Code(function, context)
        b = code.builder
        stepped = b.icmp_unsigned("!=", b.ptrtoint(words, I64), b.ptrtoint(previous, I64))
        due = {
            "step": lambda: stepped,
            "always": lambda: ir.Constant(I1, 1),
            "rest": lambda: b.call(self.judging.at_rest, [words]),
            "finally": lambda: b.call(self.judging.all_ended, [words]),
        }
        for when in ("step", "always", "rest", "finally"):
            numbers = [n for n, p in enumerate(self.judging.properties) if p.when == when]
            if numbers:
                with b.if_then(due[when]()):
                    for n in numbers:
                        self._one(code, n, words, previous, BREAKS, (number, i64(0), sequence))
        b.ret_void()
        return function

    def _one(
        self,
        code: Code,
        number: int,
        words: Value,
        previous: Value,
        sort: int,
        about: tuple[Value, ...],
    ) -> None:
        b = code.builder
        function = self.judging.functions[number]
        status = b.call(function, [words, previous, code.context])
        with b.if_then(b.icmp_unsigned("!=", status, ir.Constant(I32, OK)), likely=False):
            self._stop_if_undecided(code, status, about[0])
            what = [i64(sort), i64(number), b.zext(status, I64), *about]
            b.call(self.record, [code.context, *what])

    def _stop_if_undecided(self, code: Code, status: Value, number: Value) -> None:
        b = code.builder
        undecided = b.icmp_unsigned("==", status, ir.Constant(I32, UNDECIDED))
        with b.if_then(b.and_(undecided, b.not_(code.truth(code.get("stop"))))):
            code.set("stop", i64(UNDECIDED))
            code.set("where", number)
            code.set("actor", i64(-1))

    def _drain(self) -> ir.Function:
        """What looks up the successors that wait, in order, and judges those that are new."""
        function = self.function("drain", ir.VoidType(), [WORDS])
        code = Code(function, function.args[0])
        b, at = code.builder, code.variable(I64)
        need = b.add(code.get("states"), code.get("pending"))
        with b.if_then(b.icmp_unsigned(">", need, code.get("room")), likely=False):
            grow = b.inttoptr(code.get("grow"), ir.FunctionType(ir.VoidType(), []).as_pointer())
            b.call(grow, [])
        with b.if_then(code.truth(code.get("stop")), likely=False):
            code.set("pending", i64(0))
        b.store(i64(0), at)
        with code.loop() as out:
            i = b.load(at)
            code.leave_if(b.icmp_unsigned(">=", i, code.get("pending")), out)
            words = code.address("batch", b.mul(i, i64(self.words)))
            hashed = b.load(code.address("hashes", i))
            number = code.get("states")
            place, known = self._seek(code, words, hashed, number)
            parent = b.load(code.address("origins", i))
            when = b.load(code.address("sequence", i))
            previous = code.address("arena", b.mul(parent, i64(self.words)))
            with b.if_else(known) as (old, new):
                with new:
                    b.store(self._entry(b, words, hashed, number), place)
                    kept = code.address("arena", b.mul(number, i64(self.words)))
                    for w in range(self.words):
                        b.store(b.load(b.gep(words, [i64(w)])), b.gep(kept, [i64(w)]))
                    b.store(b.trunc(parent, I32), code.address("parents", number, I32))
                    code.increase("states")
                    b.call(self.judge, [code.context, kept, previous, number, when])
                with old:
                    for n, prop in enumerate(self.judging.properties):
                        if prop.when == "step":
                            about = (parent, i, when)
                            self._one(code, n, words, previous, MISSTEPS, about)
            b.store(b.add(i, i64(1)), at)
        code.set("pending", i64(0))
        b.ret_void()
        return function

    def _add(self) -> None:
        """What adds an initial state: it has no parent, and no step led to it."""
        function = ir.Function(self.module, ir.FunctionType(I64, [WORDS, WORDS]), "add")
        context, words = function.args
        code = Code(function, context)
        b = code.builder
        hashed = b.call(self.hash, [words])
        number = code.get("states")
        place, known = self._seek(code, words, hashed, number)
        with b.if_then(known):
            b.ret(i64(0))
        b.store(self._entry(b, words, hashed, number), place)
        kept = code.address("arena", b.mul(number, i64(self.words)))
        for w in range(self.words):
            b.store(b.load(b.gep(words, [i64(w)])), b.gep(kept, [i64(w)]))
        b.store(ir.Constant(I32, 0), code.address("parents", number, I32))
        code.increase("states")
        b.call(self.judge, [context, kept, kept, number, i64(0)])
        b.ret(i64(1))
