"""A search goes on in rounds: expand states, look successors up, number those that are new.

In each round the threads first expand chunks of states, whichever comes next. Then each looks up
the successors that belong in its table, in order, so that the first of equals is the one that is
kept. Then the new ones are numbered in the order in which one thread would have found them. Counts,
numbers and parents are so the same for any number of threads. A single thread numbers at once.
"""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.code import Code, inner, outer
from kmcheck.engines.native.context import CHUNKS, COUNTED, STEPS_BITS
from kmcheck.engines.native.emit import GROW, I16, I32, I64, WORDS, Value, i64
from kmcheck.engines.native.expanding import Expanding
from kmcheck.engines.native.judgement import Judgement
from kmcheck.engines.native.table import AHEAD, Table

NUMBERED = ("number", "tagged")
"""Forms in which an entry has a state's number: it is written again when that is known."""

PATIENCE = 4096
"""Looks at a barrier between which the processor is not given away."""


class Rounds:
    """Writes `search(context)` and `add(context, words)`."""

    def __init__(
        self, table: Table, expanding: Expanding, judgement: Judgement, *, late: bool
    ) -> None:
        """Write the code; `late` if new states wait to be sifted before they are judged."""
        self.table = table
        self.late = late
        self.module = table.module
        self.words = table.words
        self.size = table.words + 2
        self.threads = table.threads
        self.chunks = 1 if table.threads == 1 else CHUNKS * table.threads
        self.expanding = expanding
        self.judgement = judgement
        self.barrier = self._barrier()
        self.expand = self._expand()
        self.insert = self._insert()
        self.number = None if self.threads == 1 else self._number()
        self._search()
        self._add()

    # --- a round -------------------------------------------------------------------------------

    def _search(self) -> None:
        """What expands states from `next` to `until`, and returns when there, or told to stop."""
        function = outer(self.module, "search", ir.VoidType(), [])
        code = Code(function, function.args[0])
        b = code.builder
        before = [code.variable(I64) for _ in COUNTED]
        with code.loop() as out:
            base, until = code.get("next"), code.get("until")
            code.leave_if(b.icmp_unsigned(">=", base, until), out)
            for name, place in zip(COUNTED, before, strict=True):
                b.store(code.get(name), place)
            end = self._end(code, base, until)
            b.call(self.expand, [code.context, base, end])
            b.call(self.barrier, [code.context])
            self._make_sure_of_room(code)
            with b.if_then(self._stopped(code), likely=False):
                for name, place in zip(COUNTED, before, strict=True):
                    code.set(name, b.load(place))
                b.branch(out)
            if self.threads > 1:
                with b.if_then(b.icmp_unsigned("==", code.get("thread"), i64(0))):
                    code.share("taken", i64(0))
            b.call(self.insert, [code.context])
            if self.number is not None:
                b.call(self.barrier, [code.context])
                b.call(self.number, [code.context])
                b.call(self.barrier, [code.context])
                with b.if_then(b.icmp_unsigned("==", code.get("thread"), i64(0))):
                    code.share("numbered", i64(0))
            code.set("next", end)
            code.leave_if(self._stopped(code), out)
        b.ret_void()

    def _end(self, code: Code, base: Value, until: Value) -> Value:
        """Return where the round from a state on ends."""
        b = code.builder
        end = b.add(base, b.mul(code.get("chunk"), i64(self.chunks)))
        return b.select(b.icmp_unsigned("<", end, until), end, until)

    def _stopped(self, code: Code) -> Value:
        """Return whether all are to stop, as was decided at the last barrier or just found by all.

        `stop` itself, of all, may be from a thread that is further on already: whoever left for it
        would not be at the barrier where that one waits.
        """
        b, mine = code.builder, code.get("stop")
        if self.threads == 1:
            return code.truth(mine)
        return code.truth(b.or_(mine, code.shared("decided")))

    def _make_sure_of_room(self, code: Code) -> None:
        """Stop if a table might become too full: every thread sees the same."""
        b = code.builder
        for owner in range(self.threads):
            need = code.variable(I64)
            b.store(b.load(self.table.held(code, i64(owner))), need)
            with code.times(i64(self.chunks)) as chunk:
                filled = b.load(self._counted(code, "filled", chunk, i64(owner)))
                b.store(b.add(b.load(need), filled), need)
            full = b.icmp_unsigned(">", b.load(need), code.get("room"))
            unstopped = b.not_(code.truth(code.get("stop")))
            with b.if_then(b.and_(full, unstopped), likely=False):
                code.set("stop", i64(GROW))

    def _counted(self, code: Code, array: str, chunk: Value, owner: Value) -> Value:
        """Return where it is counted how many entries a segment has, or (`news`) new states."""
        b = code.builder
        return code.address(array, b.add(b.mul(chunk, i64(self.threads)), owner))

    def _barrier(self) -> ir.Function:
        """What waits until all threads are here. A reason to stop is everybody's from then on."""
        function = inner(self.module, "barrier", ir.VoidType(), [WORDS])
        code = Code(function, function.args[0])
        b = code.builder
        if self.threads == 1:
            b.ret_void()
            return function
        with b.if_then(code.truth(code.get("stop")), likely=False):
            code.share("stop", code.get("stop"))
        turn = code.shared("turn")
        last = b.icmp_unsigned("==", code.fetched("arrived"), i64(self.threads - 1))
        with b.if_then(last):
            code.share("arrived", i64(0))
            code.share("decided", code.shared("stop"))
            code.share("turn", b.add(turn, i64(1)))
            b.ret_void()
        away = ir.Function(self.module, ir.FunctionType(I32, []), "sched_yield")
        looks = code.variable(I64)
        b.store(i64(0), looks)
        with code.loop() as out:
            code.leave_if(b.icmp_unsigned("!=", code.shared("turn"), turn), out)
            looked = b.add(b.load(looks), i64(1))
            b.store(looked, looks)
            with b.if_then(b.icmp_unsigned("==", b.and_(looked, i64(PATIENCE - 1)), i64(0))):
                b.call(away, [])
        b.ret_void()
        return function

    # --- its three parts -----------------------------------------------------------------------

    def _expand(self) -> ir.Function:
        """What expands chunks between two states: (context, first, end)."""
        function = inner(self.module, "chunks", ir.VoidType(), [WORDS, I64, I64])
        context, base, end = function.args
        code = Code(function, context)
        b, taken = code.builder, code.variable(I64)
        b.store(i64(0), taken)
        with code.loop() as out:
            if self.threads == 1:
                chunk = b.load(taken)
                b.store(b.add(chunk, i64(1)), taken)
            else:
                chunk = code.fetched("taken")
            code.leave_if(b.icmp_unsigned(">=", chunk, i64(self.chunks)), out)
            code.leave_if(code.truth(code.get("stop")), out)
            self._empty(code, chunk)
            first = b.add(base, b.mul(chunk, code.get("chunk")))
            last = b.add(first, code.get("chunk"))
            last = b.select(b.icmp_unsigned("<", last, end), last, end)
            at = code.variable(I64)
            b.store(first, at)
            with code.loop() as done:
                number = b.load(at)
                code.leave_if(b.icmp_unsigned(">=", number, last), done)
                b.call(self.expanding.function, [context, number])
                b.store(b.add(number, i64(1)), at)
        b.ret_void()
        return function

    def _empty(self, code: Code, chunk: Value) -> None:
        """Make a chunk's segments the ones that successors are put into."""
        b = code.builder
        for owner in range(self.threads):
            b.store(i64(0), self._counted(code, "filled", chunk, i64(owner)))
        counts = self._counted(code, "filled", chunk, i64(0))
        code.set("filling", b.ptrtoint(counts, I64))
        code.set("into", b.ptrtoint(self._segment(code, chunk, i64(0)), I64))

    def _segment(self, code: Code, chunk: Value, owner: Value) -> Value:
        b = code.builder
        at = b.add(b.mul(chunk, i64(self.threads)), owner)
        return code.address("buffers", b.mul(b.mul(at, code.get("capacity")), i64(self.size)))

    def _insert(self) -> ir.Function:
        """What looks a thread's successors up in its table: (context)."""
        function = inner(self.module, "insert", ir.VoidType(), [WORDS])
        code = Code(function, function.args[0])
        b, me, first = code.builder, code.get("thread"), code.get("states")
        mask, new = code.get("mask"), code.variable(I64)
        table = code.table(me, self.table.kind)
        b.store(i64(0), new)
        with code.times(i64(self.chunks)) as chunk:
            segment, before = self._segment(code, chunk, me), b.load(new)
            with code.times(b.load(self._counted(code, "filled", chunk, me))) as at:
                entry = b.gep(segment, [b.mul(at, i64(self.size))])
                later = b.load(b.gep(entry, [i64(AHEAD * self.size + self.words)]))
                code.prefetch(self.table.slot(code, table, mask, later))
                hashed = b.load(b.gep(entry, [i64(self.words)]))
                when = b.load(b.gep(entry, [i64(self.words + 1)]))
                parent = b.lshr(when, i64(STEPS_BITS))
                seat = self.table.seek(code, table, mask, entry, hashed, first)
                with b.if_else(seat.known) as (old, fresh):
                    with fresh:
                        number = b.add(first, b.load(new))
                        b.store(self.table.entry(code, entry, hashed, mask, number), seat.place)
                        if self.threads == 1:
                            self._keep(code, entry, number, parent, when)
                        else:
                            self._remember(code, b.load(new), entry, seat.place)
                        b.store(b.add(b.load(new), i64(1)), new)
                    with old:
                        previous = code.kept(parent, self.words)
                        self.judgement.step(code, entry, previous, parent, when)
            b.store(b.sub(b.load(new), before), self._counted(code, "news", chunk, me))
        if self.threads == 1:
            held = self.table.held(code, me)
            code.set("states", b.add(first, b.load(new)))
            b.store(b.add(b.load(held), b.load(new)), held)
        b.ret_void()
        return function

    def _keep(self, code: Code, entry: Value, number: Value, parent: Value, when: Value) -> None:
        """Write that a new state gets its number."""
        b, kept = code.builder, code.kept(number, self.words)
        code.copy(entry, kept, self.words)
        b.store(b.trunc(parent, I32), code.address("parents", number, I32))
        if self.table.form == "fingerprint":
            b.store(b.trunc(when, I16), code.address("ways", number, I16))
        previous = code.kept(parent, self.words)
        if self.late:
            self.judgement.step(code, kept, previous, parent, when)
        else:
            b.call(self.judgement.function, [code.context, kept, previous, number, when])

    def _remember(self, code: Code, at: Value, entry: Value, place: Value) -> None:
        """Write that a new state waits for its number, and where its number is to be put."""
        b = code.builder
        fresh = code.address("fresh", b.mul(at, i64(2)))
        b.store(b.ptrtoint(entry, I64), fresh)
        b.store(b.ptrtoint(place, I64), b.gep(fresh, [i64(1)]))

    def _number(self) -> ir.Function:
        """What numbers new states, chunk by chunk, whoever's they are: (context)."""
        function = inner(self.module, "number", ir.VoidType(), [WORDS])
        code = Code(function, function.args[0])
        b, number, mine = code.builder, code.variable(I64), code.variable(I64)
        cursors = [code.variable(I64) for _ in range(self.threads)]
        b.store(code.get("states"), number)
        for cursor in cursors:
            b.store(i64(0), cursor)
        b.store(code.fetched("numbered"), mine)
        with code.times(i64(self.chunks)) as chunk:
            news = [b.load(self._counted(code, "news", chunk, i64(o))) for o in range(self.threads)]
            ours = b.icmp_unsigned("==", chunk, b.load(mine))
            ends = [b.add(b.load(c), n) for c, n in zip(cursors, news, strict=True)]
            with b.if_else(ours) as (then, other):
                with then:
                    self._merge(code, number, cursors, ends)
                    b.store(code.fetched("numbered"), mine)
                with other:
                    for cursor, end, more in zip(cursors, ends, news, strict=True):
                        b.store(b.add(b.load(number), more), number)
                        b.store(end, cursor)
        code.set("states", b.load(number))
        for owner, cursor in enumerate(cursors):
            held = self.table.held(code, i64(owner))
            b.store(b.add(b.load(held), b.load(cursor)), held)
        b.ret_void()
        return function

    def _merge(self, code: Code, number: Value, cursors: list[Value], ends: list[Value]) -> None:
        """Number a chunk's new states, of all threads, in the order of `when`."""
        b = code.builder
        best, owner = code.variable(I64), code.variable(I64)
        with code.loop() as out:
            b.store(i64(-1), best)
            for o, (cursor, end) in enumerate(zip(cursors, ends, strict=True)):
                with b.if_then(b.icmp_unsigned("<", b.load(cursor), end)):
                    entry = self._fresh(code, i64(o), b.load(cursor))
                    when = b.load(b.gep(code.pointer(b.load(entry)), [i64(self.words + 1)]))
                    with b.if_then(b.icmp_unsigned("<", when, b.load(best))):
                        b.store(when, best)
                        b.store(i64(o), owner)
            code.leave_if(b.icmp_unsigned("==", b.load(best), i64(-1)), out)
            for o, cursor in enumerate(cursors):
                with b.if_then(b.icmp_unsigned("==", b.load(owner), i64(o))):
                    self._settle(code, self._fresh(code, i64(o), b.load(cursor)), b.load(number))
                    b.store(b.add(b.load(cursor), i64(1)), cursor)
            b.store(b.add(b.load(number), i64(1)), number)

    def _fresh(self, code: Code, owner: Value, at: Value) -> Value:
        """Return where a new state of a thread's is remembered; the threads' lists lie in a row."""
        b = code.builder
        room = b.mul(code.get("capacity"), i64(2 * self.chunks))
        start = b.mul(b.sub(owner, code.get("thread")), room)
        return code.address("fresh", b.add(start, b.mul(at, i64(2))))

    def _settle(self, code: Code, fresh: Value, number: Value) -> None:
        b = code.builder
        entry = code.pointer(b.load(fresh))
        place = code.pointer(b.load(b.gep(fresh, [i64(1)])), self.table.kind)
        hashed = b.load(b.gep(entry, [i64(self.words)]))
        when = b.load(b.gep(entry, [i64(self.words + 1)]))
        if self.table.form in NUMBERED:
            b.store(self.table.entry(code, entry, hashed, code.get("mask"), number), place)
        self._keep(code, entry, number, b.lshr(when, i64(STEPS_BITS)), when)

    # --- initial states ------------------------------------------------------------------------

    def _add(self) -> None:
        """What adds an initial state: it has no parent, and no step led to it."""
        function = outer(self.module, "add", I64, [WORDS])
        context, words = function.args
        code = Code(function, context)
        b, number, mask = code.builder, code.get("states"), code.get("mask")
        if self.expanding.canonical is not None:
            b.call(self.expanding.canonical, [words])
        hashed = b.call(self.table.hash, [words])
        owner = self.table.owner(code, hashed)
        table = code.table(owner, self.table.kind)
        seat = self.table.seek(code, table, mask, words, hashed, i64(-1))
        with b.if_then(seat.known):
            b.ret(i64(0))
        b.store(self.table.entry(code, words, hashed, mask, number), seat.place)
        held = self.table.held(code, owner)
        b.store(b.add(b.load(held), i64(1)), held)
        kept = code.kept(number, self.words)
        code.copy(words, kept, self.words)
        b.store(ir.Constant(I32, 0), code.address("parents", number, I32))
        code.increase("states")
        b.call(self.judgement.function, [context, kept, kept, number, number])
        b.ret(i64(1))
