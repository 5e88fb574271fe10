"""A thin structured layer over LLVM's builder: loops, variables, and ways out of a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from llvmlite import ir

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
WORDS = I64.as_pointer()

OK, BLOCKED, WIDEN, BOUND, UNDECIDED, CHOICES, FULL, GROW, CROWDED, FORKED = range(10)
"""What a step returns, besides `FAULT` and above: the number of the violation. Of a search, why it
stopped: `GROW` is for a larger table, `CROWDED` for longer buffers, `FORKED` says that a state has
more steps than can be told apart."""
FAULT = 16

Value: TypeAlias = ir.Value


def i64(number: int) -> Value:
    """Return a constant of 64 bits."""
    return ir.Constant(I64, number)


class Emitter:
    """Writes one function. `fail` leaves it with a status from anywhere."""

    def __init__(self, function: ir.Function, within: Emitter | None = None) -> None:
        self.function = function
        self.failing: ir.Block | None = None
        if within is not None:
            self.builder: ir.IRBuilder = within.builder
            return
        self.entry = function.append_basic_block("entry")
        self.builder = ir.IRBuilder(self.entry)
        body = function.append_basic_block("body")
        self.builder.branch(body)
        self.builder.position_at_end(body)

    def left(self) -> None:
        """End the function with the status that it failed with."""
        self.builder.ret(self.status)

    def variable(self, kind: ir.Type) -> Value:
        """Return a place for a value, of the whole function."""
        with self.builder.goto_entry_block():
            return self.builder.alloca(kind)

    def fail(self, status: int | Value) -> None:
        """Leave the function."""
        value = ir.Constant(I32, status) if isinstance(status, int) else status
        if self.failing is None:
            self.failing = self.function.append_basic_block("failing")
            with self.builder.goto_block(self.failing):
                self.status = self.builder.phi(I32, "status")
                self.left()
        self.status.add_incoming(value, self.builder.block)
        self.builder.branch(self.failing)

    def fail_if(self, condition: Value, status: int | Callable[[], Value]) -> None:
        """Leave the function if a condition holds."""
        if isinstance(condition, ir.Constant) and not condition.constant:
            return
        with self.builder.if_then(condition, likely=False):
            self.fail(status if isinstance(status, int) else status())

    @contextmanager
    def loop(self) -> Iterator[ir.Block]:
        """Repeat what is inside; a branch to what is given leaves."""
        head = self.function.append_basic_block("loop")
        out = self.function.append_basic_block("out")
        self.builder.branch(head)
        self.builder.position_at_end(head)
        yield out
        self.builder.branch(head)
        self.builder.position_at_end(out)

    def leave_if(self, condition: Value, out: ir.Block) -> None:
        """Leave a loop if a condition holds."""
        on = self.function.append_basic_block("on")
        self.builder.cbranch(condition, out, on)
        self.builder.position_at_end(on)

    def joined(self, arms: list[tuple[Value, ir.Block]]) -> Value:
        """Return the value that comes with whichever block was before."""
        phi = self.builder.phi(arms[0][0].type)
        for value, block in arms:
            phi.add_incoming(value, block)
        return phi

    def truth(self, value: Value) -> Value:
        """Return whether a value is not zero."""
        if value.type == I1:
            return value
        return self.builder.icmp_unsigned("!=", value, ir.Constant(value.type, 0))

    def wide(self, value: Value) -> Value:
        """Return a truth value as a number of 64 bits."""
        return value if value.type == I64 else self.builder.zext(value, I64)

    def sized(self, value: Value, kind: ir.IntType) -> Value:
        """Return an unsigned number with more bits or with less."""
        if value.type.width == kind.width:
            return value
        if value.type.width < kind.width:
            return self.builder.zext(value, kind)
        return self.builder.trunc(value, kind)

    def least(self, mask: Value) -> Value:
        """Return the number of the lowest bit that is set, as 64 bits."""
        return self.sized(self.builder.cttz(mask, ir.Constant(I1, 0)), I64)

    def count(self, mask: Value) -> Value:
        """Return how many bits are set, as 64 bits."""
        return self.sized(self.builder.ctpop(mask), I64)
