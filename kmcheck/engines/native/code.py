"""Writes functions that work on a context: its numbers, its arrays, and what threads share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from kmcheck.engines.native.context import COMMON, PLACES, TABLES
from kmcheck.engines.native.emit import I8, I32, I64, WORDS, Emitter, Value, i64


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

    def pointer(self, address: Value, kind: ir.Type = I64) -> Value:
        """Return an address as a pointer."""
        return self.builder.inttoptr(address, kind.as_pointer())

    def address(self, name: str, index: Value, kind: ir.Type = I64) -> Value:
        """Return the address of an element of an array of the context."""
        return self.builder.gep(self.pointer(self.get(name), kind), [index])

    def kept(self, number: Value, words: int) -> Value:
        """Return the address of a state in the arena."""
        return self.address("arena", self.builder.mul(number, i64(words)))

    def table(self, owner: Value, kind: ir.Type) -> Value:
        """Return a thread's table."""
        at = self.builder.add(i64(TABLES), owner)
        return self.pointer(self.builder.load(self.builder.gep(self.context, [at])), kind)

    def copy(self, source: Value, target: Value, words: int) -> None:
        """Copy a state."""
        b = self.builder
        for w in range(words):
            b.store(b.load(b.gep(source, [i64(w)])), b.gep(target, [i64(w)]))

    @contextmanager
    def times(self, count: Value) -> Iterator[Value]:
        """Repeat what is inside for each number below a count."""
        b, at = self.builder, self.variable(I64)
        b.store(i64(0), at)
        with self.loop() as out:
            number = b.load(at)
            self.leave_if(b.icmp_unsigned(">=", number, count), out)
            yield number
            b.store(b.add(number, i64(1)), at)

    def prefetch(self, place: Value) -> None:
        """Ask for a cache line that is to be written soon."""
        b = self.builder
        signature = ir.FunctionType(ir.VoidType(), [I8.as_pointer(), I32, I32, I32])
        intrinsic = b.module.declare_intrinsic("llvm.prefetch", (I8.as_pointer(),), signature)
        flags = [ir.Constant(I32, v) for v in (1, 3, 1)]
        b.call(intrinsic, [b.bitcast(place, I8.as_pointer()), *flags])

    # --- what threads share --------------------------------------------------------------------

    def common(self, name: str) -> Value:
        """Return where a number is that all threads write."""
        return self.builder.gep(self.pointer(self.get("common")), [i64(COMMON[name])])

    def fetched(self, name: str) -> Value:
        """Add one to a number that all threads write, and return what it was."""
        return self.builder.atomic_rmw("add", self.common(name), i64(1), "acq_rel")

    def shared(self, name: str) -> Value:
        """Return a number that all threads write."""
        return self.builder.load_atomic(self.common(name), "acquire", 8)

    def share(self, name: str, value: Value) -> None:
        """Change a number that all threads write."""
        self.builder.store_atomic(value, self.common(name), "release", 8)


def inner(module: ir.Module, name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
    """Return a new function that only machine code calls."""
    function = ir.Function(module, ir.FunctionType(result, arguments), name)
    function.linkage = "internal"
    return function


def outer(module: ir.Module, name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
    """Return a new function that Python calls, on a context and more."""
    return ir.Function(module, ir.FunctionType(result, [WORDS, *arguments]), name)
