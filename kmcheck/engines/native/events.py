"""What machine code notices is recorded, once for each sort: Python looks at it behind a level."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.code import Code, inner
from kmcheck.engines.native.context import EVENT, EVENTS, SORTS, STATUSES
from kmcheck.engines.native.emit import FULL, I8, I64, WORDS, Value, i64


class Events:
    """Writes what records events."""

    def __init__(self, module: ir.Module) -> None:
        self.function = inner(module, "record", ir.VoidType(), [WORDS, *[I64] * EVENT])
        self._write()

    def record(self, code: Code, sort: int | Value, *about: int | Value) -> None:
        """Write that something is recorded: of what, its status, at which state, of whom, when."""
        numbers = [i64(v) if isinstance(v, int) else v for v in (sort, *about)]
        code.builder.call(self.function, [code.context, *numbers])

    def _write(self) -> None:
        context, sort, what, status, *_ = self.function.args
        code = Code(self.function, context)
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
            for field, value in enumerate(self.function.args[1:]):
                where = b.add(b.mul(at, i64(EVENT)), i64(field))
                b.store(value, code.address("events", where))
        b.ret_void()
