"""The steps of each template as a function: from where an instance stands to its next cut."""

from __future__ import annotations

from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter

from llvmlite import ir

from kmcheck.engines.native.cells import Faults, Shapes
from kmcheck.engines.native.emit import I8, I32, I64, OK, WORDS, Value, i64
from kmcheck.engines.native.instructions import Instructions
from kmcheck.engines.native.noting import Noting
from kmcheck.ir.code import END, Block, Branch, Check, Free, Jump, Template, targets
from kmcheck.ir.exercise import marks
from kmcheck.semantics.machine import FUEL

Ask = Callable[[Instructions, Check], Value]


class Steps:
    """Writes the functions of all templates, and notes what is ever run."""

    def __init__(self, module: ir.Module, shapes: Shapes, faults: Faults, ask: Ask) -> None:
        self.module = module
        self.shapes = shapes
        self.faults = faults
        self.ask = ask
        self.program = shapes.layout.program
        self.functions: dict[str, ir.Function] = {}
        self.dangling = any(
            isinstance(instruction, Free)
            for template in self.program.templates.values()
            for block in template.blocks
            for instruction in block.instructions
        )
        names = [n for n, t in self.program.templates.items() if t.role != "setup"]
        kind = ir.FunctionType(I32, [WORDS, WORDS, I64, I64])
        for name in names:
            self.functions[name] = ir.Function(module, kind, f"step.{name}")
            self.functions[name].linkage = "internal"
        for name in names:
            self._write(name)

    def _write(self, name: str) -> None:
        function, template = self.functions[name], self.program.templates[name]
        words, context, instance, at = function.args
        for argument in (words, context):
            argument.add_attribute("noalias")
        code = Instructions(function, words, context, self.shapes, self.faults)
        code.template, code.instance = name, instance
        code.steps, code.dangling, code.ask = self.functions, self.dangling, self.ask
        marked = marks(template)
        kind = ir.ArrayType(I8, marked.size + 1)
        flags = ir.GlobalVariable(self.module, kind, f"noted.{name}")
        flags.initializer = ir.Constant(kind, None)
        code.noting = Noting(code, template, marked, flags)
        Body(self, code, template).write(at)


class Body:
    """Writes the blocks of one template."""

    def __init__(self, steps: Steps, code: Instructions, template: Template) -> None:
        self.steps = steps
        self.code = code
        self.template = template
        self.pc = code.packing.groups["pc", template.name, ""]
        self.blocks = [
            code.function.append_basic_block(f"block{n}") for n in range(len(template.blocks))
        ]
        self.fuel = code.variable(I64) if _loops(template) else None

    def write(self, at: Value) -> None:
        """Write all: the way to where the instance stands, then the blocks."""
        b = self.code.builder
        if self.fuel is not None:
            b.store(i64(FUEL), self.fuel)
        dead = self.code.function.append_basic_block("nowhere")
        choice = b.switch(at, dead)
        action = self.template.role == "action"
        for code, position in enumerate(self.pc.codes):
            if position:
                choice.add_case(i64(code), self.blocks[position - 1])
        if not action and not self.template.blocks[self.template.entry].cut:
            choice.add_case(i64(0), self.blocks[self.template.entry])
        b.position_at_end(dead)
        b.unreachable()
        for number, block in enumerate(self.template.blocks):
            b.position_at_end(self.blocks[number])
            self._block(number, block)

    def _block(self, number: int, block: Block) -> None:
        code, b = self.code, self.code.builder
        if self.fuel is not None:
            left = b.load(self.fuel)
            endless = b.icmp_unsigned("==", left, i64(0))
            code.fail_if(endless, self.steps.faults.violation("endless-step"))
            b.store(b.sub(left, i64(1)), self.fuel)
        code.noting.block(number)
        for place, instruction in enumerate(block.instructions):
            code.noting.at = number, place
            code.do(instruction)
        match block.terminator:
            case Jump(target):
                self._go(number, target)
            case Branch(condition, then, other):
                test = code.test(condition)
                arms = [code.function.append_basic_block("arm") for _ in range(2)]
                b.cbranch(test, *arms)
                for arm, (place, target) in enumerate(zip(arms, (then, other), strict=True)):
                    b.position_at_end(place)
                    code.noting.arm(number, arm)
                    self._go(number, target)

    def _go(self, block: int, target: int) -> None:
        """Go on behind a block at another, or end the step there."""
        code, b = self.code, self.code.builder
        if target != END and not self.template.blocks[target].cut:
            b.branch(self.blocks[target])
            return
        code.noting.end(block)
        position = 0 if target == END else target + 1
        if self.template.role != "action":
            code.put(self.pc, code.instance, i64(self.pc.codes.index(position)))
        b.ret(ir.Constant(I32, OK))


def _loops(template: Template) -> bool:
    """Tell whether a step may run in a circle."""
    following = {
        number: [t for t in targets(block) if t != END and not template.blocks[t].cut]
        for number, block in enumerate(template.blocks)
    }
    try:
        TopologicalSorter(following).prepare()
    except CycleError:
        return True
    return False
