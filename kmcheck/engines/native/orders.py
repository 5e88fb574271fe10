"""Writes the function that tries all orders of the members that look alike."""

from __future__ import annotations

from collections.abc import Iterator

from llvmlite import ir

from kmcheck.engines.native.emit import I1, I8, I64, WORDS, Emitter, Value, i64


def plain_changes(count: int) -> list[int]:
    """Return a cycle through all orders: before which of the neighbours each exchange stands.

    Source: H. Trotter, "Algorithm 115: Perm" (1962); S. Johnson, "Generation of permutations by
    adjacent transposition" (1963).
    """
    return [*_changes(count), *([0] if count > 1 else [])]


def _changes(count: int) -> Iterator[int]:
    """Yield what leads from order to order: the last one sweeps through those of the others."""
    if count < 2:  # noqa: PLR2004 - one alone has one order
        return
    down = True
    for change in [*_changes(count - 1), None]:
        yield from reversed(range(count - 1)) if down else range(count - 1)
        if change is not None:
            yield change + down
        down = not down


class Orders:
    """The function `least(words, loose)`: the least of all orders of those that look alike.

    `loose` says of each member if it looks like the next one (1), and if exchanging them makes a
    difference (2).
    """

    def __init__(
        self, module: ir.Module, words: int, count: int, exchanges: dict[int, ir.Function]
    ) -> None:
        """Take the number of words, of members, and what exchanges neighbours, by position."""
        self.module = module
        self.words = words
        self.count = count
        self.exchange = self._exchange(exchanges)
        self.longest = 1 + max(_run(exchanges, position) for position in exchanges)
        self.changes, self.starts = self._tables()
        self.function = self._least()

    def _exchange(self, exchanges: dict[int, ir.Function]) -> ir.Function:
        """Write what exchanges the member at a position with the next one."""
        kind = ir.FunctionType(ir.VoidType(), [WORDS, I64])
        function = ir.Function(self.module, kind, "exchange")
        function.linkage = "internal"
        b = Emitter(function).builder
        nowhere = function.append_basic_block("nowhere")
        switch = b.switch(function.args[1], nowhere)
        for position, exchange in exchanges.items():
            block = function.append_basic_block()
            switch.add_case(i64(position), block)
            b.position_at_end(block)
            b.call(exchange, [function.args[0]])
            b.ret_void()
        b.position_at_end(nowhere)
        b.unreachable()
        return function

    def _tables(self) -> tuple[ir.GlobalVariable, ir.GlobalVariable]:
        """Return the cycles for runs of each length, and where each begins; the end is a start."""
        changes: list[int] = []
        starts = [0, 0]
        for count in range(1, self.longest + 1):
            changes += plain_changes(count)
            starts.append(len(changes))
        return self._table("changes", I8, changes), self._table("changes.starts", I64, starts)

    def _table(self, name: str, element: ir.IntType, numbers: list[int]) -> ir.GlobalVariable:
        kind = ir.ArrayType(element, len(numbers))
        table = ir.GlobalVariable(self.module, kind, name)
        table.global_constant, table.linkage = True, "internal"
        table.initializer = ir.Constant(kind, numbers)
        return table

    def _least(self) -> ir.Function:
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [WORDS, WORDS]), "least")
        function.linkage = "internal"
        writer = _Least(self, function)
        writer.find_runs()
        writer.go_through()
        return function


def _run(exchanges: dict[int, ir.Function], position: int) -> int:
    """Return how many neighbours that can be exchanged follow each other from a position on."""
    at = position
    while at in exchanges:
        at += 1
    return at - position


class _Least(Emitter):
    """Writes the body: first where the runs are, then an odometer with a wheel for each."""

    def __init__(self, orders: Orders, function: ir.Function) -> None:
        super().__init__(function)
        self.orders = orders
        self.state, self.loose = function.args
        self.trial = self.array(orders.words)
        self.begin, self.length, self.turn = (self.array(orders.count) for _ in range(3))
        self.runs, self.at = self.variable(I64), self.variable(I64)

    def array(self, count: int) -> Value:
        """Return room for numbers."""
        return self.builder.gep(self.variable(ir.ArrayType(I64, count)), [i64(0), i64(0)])

    def item(self, array: Value, at: Value) -> Value:
        """Return a number of an array."""
        return self.builder.load(self.builder.gep(array, [at]))

    def copy(self, source: Value, target: Value) -> None:
        """Copy a state."""
        for word in range(self.orders.words):
            value = self.item(source, i64(word))
            self.builder.store(value, self.builder.gep(target, [i64(word)]))

    def find_runs(self) -> None:
        """Note the runs in which some exchange makes a difference."""
        b = self.builder
        any_loose, first = self.variable(I64), self.variable(I64)
        b.store(i64(0), self.runs)
        b.store(i64(0), self.at)
        with self.loop() as out:
            self.leave_if(b.icmp_unsigned(">=", b.load(self.at), i64(self.orders.count)), out)
            b.store(b.load(self.at), first)
            b.store(i64(0), any_loose)
            with self.loop() as end:
                loose = self.item(self.loose, b.load(self.at))
                b.store(b.or_(b.load(any_loose), loose), any_loose)
                b.store(b.add(b.load(self.at), i64(1)), self.at)
                self.leave_if(b.icmp_unsigned("==", loose, i64(0)), end)
            with b.if_then(b.icmp_unsigned(">=", b.load(any_loose), i64(2))):
                run = b.load(self.runs)
                length = b.sub(b.load(self.at), b.load(first))
                b.store(b.load(first), b.gep(self.begin, [run]))
                b.store(length, b.gep(self.length, [run]))
                b.store(i64(0), b.gep(self.turn, [run]))
                b.store(b.add(run, i64(1)), self.runs)

    def go_through(self) -> None:
        """Turn the first wheel; one that is back where it began turns the next."""
        b = self.builder
        self.copy(self.state, self.trial)
        with self.loop() as never:
            b.store(i64(0), self.at)
            with self.loop() as turned:
                run = b.load(self.at)
                with b.if_then(b.icmp_unsigned(">=", run, b.load(self.runs))):
                    b.ret_void()
                self.leave_if(b.not_(self.turn_once(run)), turned)
                b.store(b.add(run, i64(1)), self.at)
            with b.if_then(self.less()):
                self.copy(self.trial, self.state)
            self.leave_if(ir.Constant(I1, 0), never)
        b.unreachable()

    def turn_once(self, run: Value) -> Value:
        """Make one exchange in a run; return whether it is in its first order again."""
        b, orders = self.builder, self.orders
        turn, length = self.item(self.turn, run), self.item(self.length, run)
        start = b.load(b.gep(orders.starts, [i64(0), length]))
        end = b.load(b.gep(orders.starts, [i64(0), b.add(length, i64(1))]))
        change = b.load(b.gep(orders.changes, [i64(0), b.add(start, turn)]))
        where = b.add(self.item(self.begin, run), b.zext(change, I64))
        b.call(orders.exchange, [self.trial, where])
        following = b.add(turn, i64(1))
        wrapped = b.icmp_unsigned("==", b.add(start, following), end)
        b.store(b.select(wrapped, i64(0), following), b.gep(self.turn, [run]))
        return wrapped

    def less(self) -> Value:
        """Return whether what is tried comes before the least so far."""
        b = self.builder
        less: Value = ir.Constant(I1, 0)
        for word in reversed(range(self.orders.words)):
            here, there = self.item(self.trial, i64(word)), self.item(self.state, i64(word))
            tied = b.and_(b.icmp_unsigned("==", here, there), less)
            less = b.or_(b.icmp_unsigned("<", here, there), tied)
        return less
