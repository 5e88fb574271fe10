"""Expanding states in code: every step of every process and action, in the reference's order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from kmcheck.engines.native.cells import Cells
from kmcheck.engines.native.code import Code, inner
from kmcheck.engines.native.context import (
    DEADLOCK,
    FAILS,
    GIVEN,
    LEAK,
    NOTE,
    PLAN,
    REACHES,
    STEPS_BITS,
    TAKEN,
    WAY_BITS,
)
from kmcheck.engines.native.emit import (
    BLOCKED,
    CHOICES,
    CROWDED,
    FAULT,
    FORKED,
    I1,
    I32,
    I64,
    OK,
    UNDECIDED,
    WIDEN,
    WORDS,
    Value,
    i64,
)
from kmcheck.engines.native.events import Events
from kmcheck.engines.native.judging import Judging
from kmcheck.engines.native.meetings import Actor
from kmcheck.engines.native.questions import Questions
from kmcheck.engines.native.recent import leave_if_remembered, worthwhile
from kmcheck.engines.native.steps import Steps
from kmcheck.engines.native.table import Table
from kmcheck.ir.code import Alloc, Choose, Spawn
from kmcheck.ir.program import Program


class Expanding:
    """Writes `function`: (context, number), which expands a state.

    Its successors are put into the buffers, each with its hash and `when` behind its words.
    """

    def __init__(
        self,
        table: Table,
        steps: Steps,
        judging: Judging,
        events: Events,
        questions: Questions,
        canonical: ir.Function | None,
        stubborn: ir.Function | None,
    ) -> None:
        """Take what is called.

        `canonical` puts a state into canonical form, if there is one; `stubborn` chooses whose
        steps are explored, if not all are.
        """
        self.table = table
        self.canonical = canonical
        self.stubborn = stubborn
        self.module = table.module
        self.words = table.words
        self.steps = steps
        self.judging = judging
        self.events = events
        self.layout = steps.shapes.layout
        self.questions = questions
        program = self.layout.program
        self.leak: int | None = None
        if any(kind.allocated_by_processes for kind in program.kinds.values()):
            self.leak = questions.site("leak", "", [], whole=True)
        self.choosing = choosing(program)
        self.following = self._following()
        self.push = self._push()
        self.function = inner(self.module, "expand", ir.VoidType(), [WORDS, I64])
        self._write()

    def _push(self) -> ir.Function:
        """What lets a successor wait: (context, state)."""
        function = inner(self.module, "push", ir.VoidType(), [WORDS, WORDS])
        context, words = function.args
        code = Code(function, context)
        b, size = code.builder, self.words + 2
        if self.canonical is not None:
            b.call(self.canonical, [words])
        hashed = b.call(self.table.hash, [words])
        if worthwhile(self.steps.shapes.packing):
            leave_if_remembered(code, words, hashed, self.words)
        owner = self.table.owner(code, hashed)
        filling = code.address("filling", owner)
        at = b.load(filling)
        with b.if_then(b.icmp_unsigned(">=", at, code.get("capacity")), likely=False):
            code.set("stop", i64(CROWDED))
            b.ret_void()
        b.store(b.add(at, i64(1)), filling)
        index = b.add(b.mul(owner, code.get("capacity")), at)
        place = code.address("into", b.mul(index, i64(size)))
        code.copy(words, place, self.words)
        b.store(hashed, b.gep(place, [i64(self.words)]))
        b.store(code.get("when"), b.gep(place, [i64(self.words + 1)]))
        b.ret_void()
        return function

    def _write(self) -> None:
        context, number = self.function.args
        code = Code(self.function, context)
        b = code.builder
        now = code.variable(ir.ArrayType(I64, self.words))
        then = code.variable(ir.ArrayType(I64, self.words))
        now, then = (b.bitcast(p, WORDS) for p in (now, then))
        code.copy(code.kept(number, self.words), now, self.words)
        code.set("when", b.shl(number, i64(STEPS_BITS)))
        enabled = code.variable(I1)
        b.store(ir.Constant(I1, 0), enabled)
        reader = self.reader(code, now)
        chosen = None if self.stubborn is None else self._chosen(code, reader, (number, now, then))
        for actor, who in enumerate(self.actors(reader)):
            with b.if_then(self.goes(code, who, actor, chosen)):
                self._steps(code, who, actor, (number, now, then), enabled)
        self._ended(code, number, now, enabled)
        if self.table.form == "fingerprint":
            self._tell_apart(code)
        b.ret_void()

    def reader(self, code: Code, now: Value) -> Cells:
        """Return what reads a state in the function that is being written."""
        shapes, faults = self.steps.shapes, self.steps.faults
        return Cells(code.function, now, code.context, shapes, faults, code)

    def actors(self, reader: Cells) -> list[Actor]:
        """Write where everybody is."""
        templates, groups = self.layout.program.templates, self.steps.shapes.packing.groups
        found = [(n, i) for n in self.layout.processes for i in range(self.layout.instances(n))]
        found += [(name, 0) for name, t in templates.items() if t.role == "action"]
        return [Actor(n, i, reader.code(groups["pc", n, ""], i)) for n, i in found]

    def goes(self, code: Code, who: Actor, number: int, chosen: Value | None) -> Value:
        """Return whether an actor's steps are explored."""
        b = code.builder
        if chosen is not None:
            return code.truth(b.and_(chosen, i64(1 << number)))
        if self.layout.program.templates[who.name].role == "action":
            return ir.Constant(I1, 1)
        return b.icmp_unsigned("!=", who.at, i64(0))

    def _chosen(self, code: Code, reader: Cells, states: tuple[Value, Value, Value]) -> Value:
        """Write who is to go on: all take their steps once, and nothing becomes of these."""
        b, (number, now, then) = code.builder, states
        enabled, failing = code.variable(I64), code.variable(I64)
        b.store(i64(0), enabled)
        b.store(i64(0), failing)
        for actor, who in enumerate(self.actors(reader)):
            goes = self.goes(code, who, actor, None)
            with b.if_then(goes), self.ways(code, who, now, then) as status:
                self._halt(code, status, number, actor)
                blocked = b.icmp_unsigned("==", status, ir.Constant(I32, BLOCKED))
                fails = b.icmp_unsigned("!=", status, ir.Constant(I32, OK))
                bit = b.select(blocked, i64(0), i64(1 << actor))
                b.store(b.or_(b.load(enabled), bit), enabled)
                b.store(b.or_(b.load(failing), b.select(fails, bit, i64(0))), failing)
        assert self.stubborn is not None
        return b.call(self.stubborn, [now, b.load(enabled), b.load(failing)])

    def _halt(self, code: Code, status: Value, number: Value, actor: int) -> None:
        """Write that nothing more of a state is explored if the search cannot go on."""
        b, halts = code.builder, ir.Constant(I1, 0)
        for halting in (WIDEN, UNDECIDED, CHOICES):
            halts = b.or_(halts, b.icmp_unsigned("==", status, ir.Constant(I32, halting)))
        with b.if_then(halts, likely=False):
            with b.if_then(b.not_(code.truth(code.get("stop")))):
                code.set("stop", b.zext(status, I64))
                code.set("actor", i64(actor))
                code.set("where", number)
            b.ret_void()

    def _steps(
        self, code: Code, who: Actor, actor: int, states: tuple[Value, Value, Value], enabled: Value
    ) -> None:
        """Write all ways in which one actor steps."""
        b, (number, now, then) = code.builder, states
        with self.ways(code, who, now, then) as status:
            went = b.icmp_unsigned("==", status, ir.Constant(I32, OK))
            with b.if_else(went) as (on, failed):
                with on:
                    b.store(ir.Constant(I1, 1), enabled)
                    code.increase("transitions")
                    code.increase("when")
                    b.call(self.push, [code.context, then])
                with failed:
                    blocked = b.icmp_unsigned("==", status, ir.Constant(I32, BLOCKED))
                    with b.if_then(b.not_(blocked)):
                        self._failed(code, status, number, actor, enabled)

    @contextmanager
    def ways(self, code: Code, who: Actor, now: Value, then: Value) -> Iterator[Value]:
        """Repeat what is inside for each way to step: again and again while there are choices left.

        Given is what the step comes to; the state behind it is in `then`.
        """
        b, chooses = code.builder, who.name in self.choosing
        if chooses:
            b.store(i64(0), b.gep(code.context, [i64(GIVEN)]))
        out = code.function.append_basic_block("stepped")
        again = code.function.append_basic_block("again")
        b.branch(again)
        b.position_at_end(again)
        if chooses:
            b.store(i64(0), b.gep(code.context, [i64(TAKEN)]))
        code.copy(now, then, self.words)
        step = self.steps.functions[who.name]
        yield b.call(step, [then, code.context, i64(who.instance), who.at])
        if chooses:
            b.cbranch(b.call(self.following, [code.context]), again, out)
        else:
            b.branch(out)
        b.position_at_end(out)

    def _failed(self, code: Code, status: Value, number: Value, actor: int, enabled: Value) -> None:
        b = code.builder
        self._halt(code, status, number, actor)
        b.store(ir.Constant(I1, 1), enabled)
        fault = b.icmp_unsigned(">=", status, ir.Constant(I32, FAULT))
        for number_of in ("transitions", "when"):  # the reference yields no other
            code.set(number_of, b.add(code.get(number_of), b.zext(fault, I64)))
        sort = b.select(fault, i64(FAILS), i64(REACHES))
        what = b.select(fault, i64(0), b.load(b.gep(code.context, [i64(NOTE)])))
        wide = b.zext(status, I64)
        self.events.record(code, sort, what, wide, number, actor, code.get("when"))

    def _tell_apart(self, code: Code) -> None:
        """Write that the search stops where there were more steps than `ways` can say."""
        b = code.builder
        last = b.and_(code.get("when"), i64((1 << STEPS_BITS) - 1))
        many = b.icmp_unsigned(">=", last, i64(1 << WAY_BITS))
        with b.if_then(b.and_(many, b.not_(code.truth(code.get("stop")))), likely=False):
            code.set("stop", i64(FORKED))

    def _following(self) -> ir.Function:
        """What goes on to the next choices in order, and tells whether there are any."""
        function = inner(self.module, "following", I1, [WORDS])
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
        b = code.builder
        stuck = b.not_(b.load(enabled))
        ended = b.call(self.judging.all_ended, [now])
        with b.if_then(stuck):
            code.increase("terminal")
            with b.if_then(b.not_(ended)):
                self.events.record(code, DEADLOCK, 0, 0, number, 0, code.get("when"))
        if self.leak is None:
            return
        with b.if_then(ended):
            code.increase("asked")
            answer = self.questions.answer(b, now, code.context, self.leak, i64(0))
            with b.if_then(code.truth(answer)):
                self.events.record(code, LEAK, 0, 0, number, 0, code.get("when"))


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
