"""Builds the blocks of one process while its code is lowered, and knows where steps end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kmcheck.diagnostics import Span
from kmcheck.ir.code import END, Block, Branch, Call, Instruction, Jump, Terminator
from kmcheck.ir.expr import Expr
from kmcheck.ir.types import Type


@dataclass(slots=True)
class Draft:
    """A block being written."""

    calls: tuple[Call, ...]
    span: Span
    cut: bool = False
    loop_head: bool = False
    note: str = ""
    plain: bool = False
    instructions: list[Instruction] = field(default_factory=list)
    terminator: Terminator | None = None


class Builder:
    """The code of one process. Outside of `atomic`, each shared access begins a step of its own."""

    def __init__(self, span: Span, *, atomic: bool) -> None:
        self.variables: dict[str, Type] = {}
        self.drafts: list[Draft] = []
        self.calls: tuple[Call, ...] = ()
        self.serial = 0
        self.results: list[tuple[Expr, int]] = []
        """What calls return, as it is written where it is used, and which calls."""
        self.atomic = 1 if atomic else 0
        """How many enclosing blocks make one step of what is inside."""
        self.idle: dict[Type, list[str]] = {}
        """Temporaries that no pending expression needs."""
        self.busy: list[tuple[Type, str]] = []
        self.statements: list[tuple[Span, int]] = []
        """Each statement that was lowered, and the block in which it begins."""
        self.current = self.draft(span)
        self.here = self.drafts[self.current]

    def draft(self, span: Span) -> int:
        """Add an empty block; return its number."""
        self.drafts.append(Draft(self.calls, span))
        return len(self.drafts) - 1

    def at(self, block: int) -> None:
        """Go on writing at a block."""
        self.current = block
        self.here = self.drafts[block]
        self.here.calls = self.calls

    @property
    def place(self) -> tuple[int, int]:
        """Where the next instruction will stand: its block, and how many come before it there."""
        return self.current, len(self.here.instructions)

    def insert(self, place: tuple[int, int], instructions: Sequence[Instruction]) -> None:
        """Put instructions in front of what stands at a place."""
        block, at = place
        self.drafts[block].instructions[at:at] = instructions

    def emit(self, instruction: Instruction) -> None:
        """Add an instruction to the current block."""
        self.here.instructions.append(instruction)

    def cut(self, span: Span, note: str = "", *, always: bool = False) -> None:
        """End the step here, unless inside of an atomic block: a shared access follows."""
        if self.atomic and not always:
            return
        fresh = not self.here.instructions and not self.here.loop_head and not self.here.cut
        if fresh and self.here.calls == self.calls and self.current != 0:
            self.here.cut, self.here.span, self.here.note = True, span, note
            return
        self.jump_to_new(span)
        self.here.cut, self.here.note = True, note

    def jump_to_new(self, span: Span) -> None:
        """Go on in a new block."""
        block = self.draft(span)
        self.jump(block)
        self.at(block)

    def jump(self, block: int) -> None:
        """End the current block with a jump, unless it has ended."""
        if self.here.terminator is None:
            self.here.terminator = Jump(block)

    def branch(self, condition: Expr, then: int, other: int, span: Span) -> None:
        """End the current block with a branch."""
        if self.here.terminator is None:
            self.here.terminator = Branch(condition, then, other, span)

    @property
    def ended(self) -> bool:
        """Whether the current block has its jump already: what follows is never run."""
        return self.here.terminator is not None

    def temporary(self, kind: Type) -> str:
        """Return a temporary of a type, in use until `release`."""
        idle = self.idle.setdefault(kind, [])
        if idle:
            name = idle.pop()
        else:
            name = f"@{sum(1 for v in self.variables if v.startswith('@'))}"
            self.variables[name] = kind
        self.busy.append((kind, name))
        return name

    def mark(self) -> int:
        """Return how many temporaries are in use."""
        return len(self.busy)

    def release(self, mark: int) -> None:
        """Let go of the temporaries taken since a mark."""
        while len(self.busy) > mark:
            kind, name = self.busy.pop()
            self.idle[kind].append(name)

    def finish(self) -> tuple[Block, ...]:
        """Return the blocks, with a step's end in every loop that would otherwise run for ever."""
        for draft in self.drafts:
            if draft.terminator is None:
                draft.terminator = Jump(END)
        for number, draft in enumerate(self.drafts):
            if draft.loop_head and not draft.cut and self._comes_back(number):
                draft.cut = True
        return tuple(
            Block(
                tuple(d.instructions),
                d.terminator or Jump(END),
                d.cut,
                d.calls,
                d.note,
                d.span,
                d.plain and d.cut,
            )
            for d in self.drafts
        )

    def stated(self) -> dict[Span, bool]:
        """Return the statements of finished code, and whether any way leads to them."""
        reached: set[int] = set()
        ahead = [0]
        while ahead:
            block = ahead.pop()
            if block >= 0 and block not in reached:
                reached.add(block)
                ahead.extend(self._targets(block))
        there = {span for span, block in self.statements if block in reached}
        return {span: span in there for span, _ in self.statements}

    def _comes_back(self, head: int) -> bool:
        seen: set[int] = set()
        ahead = self._targets(head)
        while ahead:
            block = ahead.pop()
            if block == head:
                return True
            if block < 0 or block in seen or self.drafts[block].cut:
                continue
            seen.add(block)
            ahead.extend(self._targets(block))
        return False

    def _targets(self, block: int) -> list[int]:
        match self.drafts[block].terminator:
            case Jump(target):
                return [target]
            case Branch(then=then, other=other):
                return [then, other]
            case _:
                return []
