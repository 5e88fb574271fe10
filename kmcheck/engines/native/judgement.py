"""Judges states in code: which properties are due, and what is recorded of those that fail."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.code import Code, inner
from kmcheck.engines.native.context import BREAKS, MISSTEPS
from kmcheck.engines.native.emit import I1, I32, I64, OK, UNDECIDED, WORDS, Value, i64
from kmcheck.engines.native.events import Events
from kmcheck.engines.native.judging import Judging


class Judgement:
    """Writes `function`: (context, state, previous or itself, its number, when)."""

    def __init__(self, module: ir.Module, judging: Judging, events: Events) -> None:
        self.judging = judging
        self.events = events
        self.function = inner(module, "judge", ir.VoidType(), [WORDS, WORDS, WORDS, I64, I64])
        self._write()

    def _write(self) -> None:
        context, words, previous, number, when = self.function.args
        code = Code(self.function, context)
        b = code.builder
        stepped = b.icmp_unsigned("!=", b.ptrtoint(words, I64), b.ptrtoint(previous, I64))
        due = {
            "step": lambda: stepped,
            "always": lambda: ir.Constant(I1, 1),
            "rest": lambda: b.call(self.judging.at_rest, [words]),
            "finally": lambda: b.call(self.judging.all_ended, [words]),
        }
        for time in ("step", "always", "rest", "finally"):
            numbers = [n for n, p in enumerate(self.judging.properties) if p.when == time]
            if numbers:
                with b.if_then(due[time]()):
                    for n in numbers:
                        self._one(code, n, words, previous, (BREAKS, number, when))
        b.ret_void()

    def step(self, code: Code, words: Value, previous: Value, parent: Value, when: Value) -> None:
        """Write what judges a step to a known state."""
        for n, prop in enumerate(self.judging.properties):
            if prop.when == "step":
                self._one(code, n, words, previous, (MISSTEPS, parent, when))

    def _one(
        self,
        code: Code,
        number: int,
        words: Value,
        previous: Value,
        about: tuple[int, Value, Value],
    ) -> None:
        b, (sort, where, when) = code.builder, about
        function = self.judging.functions[number]
        status = b.call(function, [words, previous, code.context])
        with b.if_then(b.icmp_unsigned("!=", status, ir.Constant(I32, OK)), likely=False):
            undecided = b.icmp_unsigned("==", status, ir.Constant(I32, UNDECIDED))
            with b.if_then(b.and_(undecided, b.not_(code.truth(code.get("stop"))))):
                code.set("stop", i64(UNDECIDED))
                code.set("where", where)
                code.set("actor", i64(-1))
            self.events.record(code, sort, number, b.zext(status, I64), where, 0, when)
