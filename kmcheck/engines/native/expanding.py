"""Expanding states in code: every step of every process and action, in the reference's order."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.cells import Cells
from kmcheck.engines.native.context import (
    BATCH,
    DEADLOCK,
    FAILS,
    GIVEN,
    LEAK,
    NOTE,
    PLAN,
    REACHES,
    TAKEN,
)
from kmcheck.engines.native.core import Code, Core
from kmcheck.engines.native.emit import (
    BLOCKED,
    CHOICES,
    FAULT,
    I1,
    I8,
    I32,
    I64,
    OK,
    UNDECIDED,
    WIDEN,
    WORDS,
    Value,
    i64,
)
from kmcheck.engines.native.questions import Questions
from kmcheck.ir.code import Alloc, Choose, Spawn
from kmcheck.ir.program import Program

ROOM = 32
"""Room in a batch below which it is looked up before the next state is expanded."""


class Expanding:
    """Writes `search(context)`: expands states until `until`, or until something is to be done."""

    def __init__(self, core: Core, questions: Questions) -> None:
        self.core = core
        self.module = core.module
        self.words = core.words
        self.layout = core.packing.layout
        self.questions = questions
        program = self.layout.program
        self.leak: int | None = None
        if any(kind.allocated_by_processes for kind in program.kinds.values()):
            self.leak = questions.site("leak", "", [], whole=True)
        self.choosing = choosing(program)
        signature = ir.FunctionType(ir.VoidType(), [I8.as_pointer(), I32, I32, I32])
        self.prefetch = self.module.declare_intrinsic(
            "llvm.prefetch", (I8.as_pointer(),), signature
        )
        self.push = self._push()
        self.expand = self._expand()
        self._search()

    def _push(self) -> ir.Function:
        """What lets a successor wait: (context, state, parent)."""
        core = self.core
        function = core.function("push", ir.VoidType(), [WORDS, WORDS, I64])
        context, words, parent = function.args
        code = Code(function, context)
        b = code.builder
        with b.if_then(b.icmp_unsigned(">=", code.get("pending"), i64(BATCH)), likely=False):
            b.call(core.drain, [context])
        at = code.increase("pending")
        for w in range(self.words):
            place = code.address("batch", b.add(b.mul(at, i64(self.words)), i64(w)))
            b.store(b.load(b.gep(words, [i64(w)])), place)
        hashed = b.call(core.hash, [words])
        b.store(hashed, code.address("hashes", at))
        b.store(parent, code.address("origins", at))
        b.store(code.get("transitions"), code.address("sequence", at))
        line = code.address("table", b.and_(hashed, code.get("mask")))
        flags = [ir.Constant(I32, v) for v in (1, 1, 1)]
        b.call(self.prefetch, [b.bitcast(line, I8.as_pointer()), *flags])
        b.ret_void()
        return function

    def _expand(self) -> ir.Function:
        """What expands one state: (context, number)."""
        core = self.core
        function = core.function("expand", ir.VoidType(), [WORDS, I64])
        context, number = function.args
        code = Code(function, context)
        b = code.builder
        now = code.variable(ir.ArrayType(I64, self.words))
        then = code.variable(ir.ArrayType(I64, self.words))
        now, then = (b.bitcast(p, WORDS) for p in (now, then))
        kept = code.address("arena", b.mul(number, i64(self.words)))
        self._copy(b, kept, now)
        enabled = code.variable(I1)
        b.store(ir.Constant(I1, 0), enabled)
        reader = Cells(function, now, context, core.steps.shapes, core.steps.faults, code)
        actors = [(n, i) for n in self.layout.processes for i in range(self.layout.instances(n))]
        actions = [n for n, t in self.layout.program.templates.items() if t.role == "action"]
        for actor, (name, instance) in enumerate(actors):
            group = core.packing.groups["pc", name, ""]
            position = reader.code(group, instance)
            with b.if_then(b.icmp_unsigned("!=", position, i64(0))):
                self._steps(code, name, (actor, instance, position), (number, now, then), enabled)
        for place, name in enumerate(actions, start=len(actors)):
            self._steps(code, name, (place, 0, i64(0)), (number, now, then), enabled)
        self._ended(code, number, now, enabled)
        b.ret_void()
        return function

    def _copy(self, b: ir.IRBuilder, source: Value, target: Value) -> None:
        for w in range(self.words):
            b.store(b.load(b.gep(source, [i64(w)])), b.gep(target, [i64(w)]))

    def _steps(
        self,
        code: Code,
        name: str,
        who: tuple[int, int, Value],
        states: tuple[Value, Value, Value],
        enabled: Value,
    ) -> None:
        """Write all ways in which one process steps: again and again while it has choices left."""
        b, (actor, instance, position) = code.builder, who
        number, now, then = states
        choosing = name in self.choosing
        if choosing:
            b.store(i64(0), b.gep(code.context, [i64(GIVEN)]))
        out = code.function.append_basic_block("stepped")
        again = code.function.append_basic_block("again")
        b.branch(again)
        b.position_at_end(again)
        if choosing:
            b.store(i64(0), b.gep(code.context, [i64(TAKEN)]))
        self._copy(b, now, then)
        step = self.core.steps.functions[name]
        status = b.call(step, [then, code.context, i64(instance), position])
        went, failed = (code.function.append_basic_block(n) for n in ("went", "failed"))
        following = code.function.append_basic_block("following")
        b.cbranch(b.icmp_unsigned("==", status, ir.Constant(I32, OK)), went, failed)
        b.position_at_end(went)
        b.store(ir.Constant(I1, 1), enabled)
        code.increase("transitions")
        b.call(self.push, [code.context, then, number])
        b.branch(following)
        b.position_at_end(failed)
        blocked = b.icmp_unsigned("==", status, ir.Constant(I32, BLOCKED))
        with b.if_then(b.not_(blocked)):
            self._failed(code, status, number, actor, enabled)
        b.branch(following)
        b.position_at_end(following)
        if choosing:
            more = b.call(self._following(), [code.context])
            b.cbranch(more, again, out)
        else:
            b.branch(out)
        b.position_at_end(out)

    def _failed(self, code: Code, status: Value, number: Value, actor: int, enabled: Value) -> None:
        b = code.builder
        halts: Value = ir.Constant(I1, 0)
        for halting in (WIDEN, UNDECIDED, CHOICES):
            halts = b.or_(halts, b.icmp_unsigned("==", status, ir.Constant(I32, halting)))
        wide = b.zext(status, I64)
        with b.if_else(halts, likely=False) as (stop, go):
            with stop, b.if_then(b.not_(code.truth(code.get("stop")))):
                code.set("stop", wide)
                code.set("actor", i64(actor))
                code.set("where", number)
            with go:
                b.store(ir.Constant(I1, 1), enabled)
                fault = b.icmp_unsigned(">=", status, ir.Constant(I32, FAULT))
                counted = b.add(code.get("transitions"), b.zext(fault, I64))
                code.set("transitions", counted)
                sort = b.select(fault, i64(FAILS), i64(REACHES))
                noted = b.load(b.gep(code.context, [i64(NOTE)]))
                what = b.select(fault, i64(0), noted)
                about = [sort, what, wide, number, i64(actor), counted]
                b.call(self.core.record, [code.context, *about])

    def _following(self) -> ir.Function:
        """What goes on to the next choices in order, and tells whether there are any."""
        known = self.module.globals.get("following")
        if known is not None:
            return known
        function = self.core.function("following", I1, [WORDS])
        code = Code(function, function.args[0])
        b, at = code.builder, code.variable(I64)
        b.store(b.load(b.gep(code.context, [i64(TAKEN)])), at)
        with code.loop() as out:
            left = b.load(at)
            code.leave_if(b.icmp_unsigned("==", left, i64(0)), out)
            last = b.sub(left, i64(1))
            b.store(last, at)
            place = b.gep(code.context, [b.add(b.shl(last, i64(1)), i64(PLAN))])
            more = b.add(b.load(place), i64(1))
            width = b.load(b.gep(place, [i64(1)]))
            with b.if_then(b.icmp_unsigned("<", more, width)):
                b.store(more, place)
                b.store(left, b.gep(code.context, [i64(GIVEN)]))
                b.ret(ir.Constant(I1, 1))
        b.ret(ir.Constant(I1, 0))
        return function

    def _ended(self, code: Code, number: Value, now: Value, enabled: Value) -> None:
        """Write what is asked of a state in which nothing goes on, or all has ended."""
        b, judging = code.builder, self.core.judging
        stuck = b.not_(b.load(enabled))
        ended = b.call(judging.all_ended, [now])
        when = code.get("transitions")
        with b.if_then(stuck):
            code.increase("terminal")
            with b.if_then(b.not_(ended)):
                about = [i64(DEADLOCK), i64(0), i64(0), number, i64(0), when]
                b.call(self.core.record, [code.context, *about])
        if self.leak is None:
            return
        with b.if_then(ended):
            code.increase("asked")
            answer = self.questions.answer(b, now, code.context, self.leak, i64(0))
            with b.if_then(code.truth(answer)):
                about = [i64(LEAK), i64(0), i64(0), number, i64(0), when]
                b.call(self.core.record, [code.context, *about])

    def _search(self) -> None:
        """What expands states from `next` to `until`, and returns when there, or told to stop."""
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [WORDS]), "search")
        code = Code(function, function.args[0])
        b = code.builder
        with code.loop() as out:
            number = code.get("next")
            code.leave_if(b.icmp_unsigned(">=", number, code.get("until")), out)
            code.leave_if(code.truth(code.get("stop")), out)
            code.set("next", b.add(number, i64(1)))
            b.call(self.expand, [code.context, number])
            full = b.icmp_unsigned(">", code.get("pending"), i64(BATCH - ROOM))
            with b.if_then(full):
                b.call(self.core.drain, [code.context])
        b.call(self.core.drain, [code.context])
        b.ret_void()


def choosing(program: Program) -> frozenset[str]:
    """Return the templates whose steps may go on in several ways."""
    found: set[str] = set()
    spawns: dict[str, set[str]] = {}
    for name, template in program.templates.items():
        for block in template.blocks:
            for instruction in block.instructions:
                if isinstance(instruction, (Choose, Alloc)):
                    found.add(name)
                if isinstance(instruction, Spawn):
                    spawns.setdefault(name, set()).add(instruction.process)
    while more := {name for name, others in spawns.items() if others & found} - found:
        found |= more
    return frozenset(found)
