"""Code: the blocks of a process become labelled statements, and a step runs from label to label."""

from __future__ import annotations

from math import factorial
from pathlib import PurePath

from kmcheck.diagnostics import UsageError
from kmcheck.export.promela.instructions import Instructions
from kmcheck.export.promela.memory import element_of
from kmcheck.ir.code import (
    END,
    Alloc,
    Block,
    Branch,
    Choose,
    Instruction,
    Jump,
    Spawn,
    Template,
    targets,
)
from kmcheck.ir.expr import Const
from kmcheck.ir.types import Ref

FUEL = 20_000
"""How often a step may come to a block in a loop before it is said never to end."""

LONGEST = 6
"""Members of a set that is looped over in one step, in every order."""

MOST_PLANS = 1_000
"""Ways for one step to go that are tried one by one."""

HEAVIEST = 1500
"""Statements in the steps of one `d_step`, where SPIN has room for 2048."""

DEEPEST = 8
"""How many processes may start one another in one step."""


class Code(Instructions):
    """Translates blocks."""

    depth: int = 0
    turns: int = 2
    """How often a loop with a choice in it is thought to come round in one step."""

    def groups(self) -> list[list[int]]:
        """Return the cuts of the process, split so that the steps from each part fit together.

        SPIN's `d_step` has room for so many statements only.
        """
        blocks = self.layout.program.templates[self.template].blocks
        weights = [self._weight(number) for number in range(len(blocks))]
        groups: list[list[int]] = []
        for cut in (number for number, block in enumerate(blocks) if block.cut):
            together = [*groups[-1], cut] if groups else [cut]
            if groups and sum(weights[n] for n in reachable(blocks, together)) <= HEAVIEST:
                groups[-1] = together
            else:
                groups.append([cut])
        return groups

    def _weight(self, number: int) -> int:
        """Return how many of SPIN's statements a block takes, or a few more."""
        with self.write.scope(), self.write.captured() as lines:
            template = self.layout.program.templates[self.template]
            self._block(template, number, dict.fromkeys(range(len(template.blocks)), ""), "")
        return sum(line.count(sign) for line in lines for sign in (";", "->", "::", "if", "do"))

    def run(self, cuts: list[int], done: str, elsewhere: str) -> None:
        """Write one step of the process from one of some cuts.

        It ends with a jump to `done`, or to `elsewhere` if the process is at none of the cuts.
        """
        template = self.layout.program.templates[self.template]
        numbers = reachable(template.blocks, cuts)
        labels = {n: self.write.label("block") for n in numbers}
        self.write("if")
        for cut in cuts:
            self.write(f":: {self._position()} == {cut + 1} -> goto {labels[cut]}")
        self.write(f":: else -> goto {elsewhere}", "fi;")
        for number in numbers:
            self._block(template, number, labels, done)

    def begin(self, template: str, instance: str) -> None:
        """Write what a process does before its first step, in the step that starts it."""
        code = self.layout.program.templates[template]
        outer = self.template, self.instance
        self.template, self.instance, self.depth = template, instance, self.depth + 1
        if self.depth > DEEPEST:
            title = f"{code.span.where}: processes start one another in one step"
            raise UsageError(title, "Promela cannot say this")
        numbers = reachable(code.blocks, [code.entry])
        labels = {n: self.write.label("begin") for n in numbers}
        done = self.write.label("begun")
        self.write(f"goto {labels[code.entry]};")
        for number in numbers:
            self._block(code, number, labels, done)
        self.write.here(done)
        self.template, self.instance = outer
        self.depth -= 1

    def _position(self) -> str:
        return f"{self.memory.positions[self.template].name}({self.instance})"

    def _block(self, template: Template, number: int, labels: dict[int, str], done: str) -> None:
        block = template.blocks[number]
        if block.cut:
            self.write(f"/* {where(block)} */")
        self.write.here(labels[number])
        with self.write.indented():
            if _in_loop(template.blocks, number):
                self.write("fuel = fuel + 1;")
                self.fail_if(f"fuel > {FUEL}", "endless-step")
            for instruction in block.instructions:
                self.instruction(instruction)
            match block.terminator:
                case Jump(target):
                    self._go(template, target, labels, done)
                case Branch(condition, then, other):
                    with self.write.scope():
                        value = self.number(condition)
                        self.write("if", f":: {value} ->")
                        with self.write.indented():
                            self._go(template, then, labels, done)
                        self.write(":: else ->")
                        with self.write.indented():
                            self._go(template, other, labels, done)
                        self.write("fi;")

    def _go(self, template: Template, target: int, labels: dict[int, str], done: str) -> None:
        """Write a jump to a block, or the end of the step if one ends there."""
        if target == END:
            final = template.entry + 1 if template.role == "action" else 0
            self.write(f"{self._position()} = {final}; goto {done};")
        elif template.blocks[target].cut:
            self.write(f"{self._position()} = {target + 1}; goto {done};")
        else:
            self.write(f"goto {labels[target]};")

    def plans(self) -> dict[int, int]:
        """Return in how many ways a step from each position may go, at the most.

        Raises:
            UsageError: there are too many ways to try them one by one.
        """
        blocks = self.layout.program.templates[self.template].blocks
        found = {}
        for number, block in enumerate(blocks):
            if block.cut:
                found[number + 1] = self._ways(blocks, number, frozenset())
                if found[number + 1] > MOST_PLANS:
                    title = f"{where(block)}: a step with more than {MOST_PLANS:,} ways to go"
                    raise UsageError(title, "choose from less, or in several steps")
        return found

    def _ways(self, blocks: tuple[Block, ...], number: int, above: frozenset[int]) -> int:
        looping = _in_loop(blocks, number)
        ways = 1
        for instruction in blocks[number].instructions:
            width = self._width(instruction)
            ways *= max(factorial(min(width, LONGEST)), width**self.turns) if looping else width
        above |= {number}
        behind = [t for t in targets(blocks[number]) if t != END and not blocks[t].cut]
        return ways * max([1, *(self._ways(blocks, t, above) for t in behind if t not in above)])

    def _width(self, instruction: Instruction) -> int:
        """Return how many options an instruction chooses among, at the most."""
        match instruction:
            case Alloc(kind=kind):
                return max(1, self.layout.dynamic(kind).count)
            case Spawn(process=name):
                target = self.layout.program.templates[name]
                inside = target.blocks[target.entry].cut or self.depth > DEEPEST
                if inside:
                    return 1
                self.depth += 1
                ways = self._ways(target.blocks, target.entry, frozenset())
                self.depth -= 1
                return ways
            case Choose(options=Const(value=int() as members)):
                return members.bit_count()
            case Choose(options=options):
                element = element_of(options.type)
                bits = self.memory.bits(element)
                return max(1, bits // 2 if isinstance(element, Ref) else bits)
            case _:
                return 1


def where(block: Block) -> str:
    """Return the line that a block begins at, as a comment."""
    span = block.span
    text = span.text.replace("*/", "* /")
    return f"{PurePath(span.source.path).name}:{span.line}: {text}"


def reachable(blocks: tuple[Block, ...], starts: list[int]) -> list[int]:
    """Return the blocks that one step may run when it begins at any of these, in order."""
    seen: set[int] = set()
    ahead = list(starts)
    while ahead:
        at = ahead.pop()
        if at not in seen:
            seen.add(at)
            ahead += [t for t in targets(blocks[at]) if t != END and not blocks[t].cut]
    return sorted(seen)


def _in_loop(blocks: tuple[Block, ...], number: int) -> bool:
    """Tell whether one step can come to a block twice."""
    behind = [t for t in targets(blocks[number]) if t != END and not blocks[t].cut]
    return not blocks[number].cut and number in reachable(blocks, behind)
