"""Notes in code what is run of a template: at once, or where the step can be disabled no more.

A step that is disabled in the end was not run. So behind what a wait may still come, in the same
step, a note waits in a variable until the step ends or goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llvmlite import ir

from kmcheck.engines.native.emit import BOUND, I1, I8, I32, Emitter, Value, i64
from kmcheck.ir.code import END, Assume, Choose, Instruction, Spawn, Template, targets
from kmcheck.ir.exercise import ONE, SEVERAL, Marks, sort_of, width
from kmcheck.ir.expr import Const
from kmcheck.ir.flow import step_blocks


@dataclass(slots=True)
class Noting:
    """Writes the notes of one template's function. `flags` has a byte more than there are marks."""

    code: Emitter
    template: Template
    marks: Marks
    flags: ir.GlobalVariable
    waiting: dict[int, tuple[Value, frozenset[int]]] = field(default_factory=dict)
    """For each note that waits: whether it was made, and behind which blocks it may be due."""
    at: tuple[int, int] = (0, 0)
    """The block that is being written, and the place of the instruction there."""

    def __post_init__(self) -> None:
        """Find out where a step may still be disabled, and make room for what waits."""
        blocks = self.template.blocks
        gates = {n for n, b in enumerate(blocks) if any(map(may_disable, b.instructions))}
        for number, block in enumerate(blocks):
            ends = frozenset(step_blocks(blocks, number))
            arms = [self._disables(target, gates) for target in targets(block)]
            later = any(arms)
            if later or number in gates:
                self._wait(number, ends)
            for arm, disables in enumerate(arms if len(arms) > 1 else ()):
                if disables:
                    self._wait(self.marks.arm(number, arm), ends)
            for place, instruction in enumerate(block.instructions):
                rest = block.instructions[place + 1 :]
                if isinstance(instruction, Choose) and (later or any(map(may_disable, rest))):
                    first = self.marks.options[number, place]
                    for option in range(first, first + width(instruction)):
                        self._wait(option, ends)

    def _disables(self, target: int, gates: set[int]) -> bool:
        """Tell whether a step that goes on at a block may still be disabled."""
        blocks = self.template.blocks
        on = target != END and not blocks[target].cut
        return on and not gates.isdisjoint(step_blocks(blocks, target))

    def _wait(self, mark: int, ends: frozenset[int]) -> None:
        made = self.code.variable(I1)
        self.code.builder.store(ir.Constant(I1, 0), made)
        self.waiting[mark] = made, ends

    # --- what is written ------------------------------------------------------------------------

    def block(self, number: int) -> None:
        """Note that a block is run."""
        self._note(number)

    def arm(self, block: int, number: int) -> None:
        """Note that an arm of a block's branch is taken."""
        self._note(self.marks.arm(block, number))

    def option(self, choose: Choose, many: Value, which: Value) -> None:
        """Note which option is taken: given how many there are, and its place or its value."""
        first, b = self.marks.options[self.at], self.code.builder
        option = which
        if sort_of(choose) == "number":
            several = b.icmp_unsigned("!=", many, i64(1))
            option = b.select(several, i64(SEVERAL), i64(ONE))
        if first not in self.waiting:
            self._set(b.add(i64(first), option))
            return
        for number in range(width(choose)):
            made, _ = self.waiting[first + number]
            here = b.icmp_unsigned("==", option, i64(number))
            b.store(b.or_(b.load(made), here), made)

    def end(self, block: int) -> None:
        """Note what has waited, where a step ends behind a block."""
        for mark, (made, ends) in self.waiting.items():
            if block in ends:
                self._set_if(mark, made)

    def wrong(self, status: Value) -> None:
        """Note what has waited, where a step goes wrong, or needs more than there is."""
        if self.waiting:
            b = self.code.builder
            with b.if_then(b.icmp_unsigned(">=", status, ir.Constant(I32, BOUND)), likely=False):
                for mark, (made, _) in self.waiting.items():
                    self._set_if(mark, made)

    def _note(self, mark: int) -> None:
        if mark in self.waiting:
            self.code.builder.store(ir.Constant(I1, 1), self.waiting[mark][0])
        else:
            self._set(i64(mark))

    def _set_if(self, mark: int, made: Value) -> None:
        """Set a flag without a branch; a byte of its own takes what was not run."""
        b = self.code.builder
        self._set(b.select(b.load(made), i64(mark), i64(self.marks.size)))

    def _set(self, at: Value) -> None:
        b = self.code.builder
        b.store(ir.Constant(I8, 1), b.gep(self.flags, [i64(0), at]))


def may_disable(instruction: Instruction) -> bool:
    """Tell whether a step may be disabled here: by a process that it starts, too."""
    match instruction:
        case Assume() | Spawn():
            return True
        case Choose(options=options):
            return not isinstance(options, Const)
    return False
