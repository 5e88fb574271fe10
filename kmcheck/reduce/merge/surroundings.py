"""What all others do, and what properties see: with this a step is compared."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from kmcheck.ir.access import Accesses, accesses, read_in
from kmcheck.ir.code import Block, Branch, Spawn, Template, values
from kmcheck.ir.expr import Expr, Position, Running, walk
from kmcheck.ir.failing import asked
from kmcheck.ir.good import mortal
from kmcheck.ir.order import embedding, recycled
from kmcheck.ir.types import Ref, Size
from kmcheck.semantics.positions import call_sites, first_cuts
from kmcheck.system import TransitionSystem


class Surroundings:
    """Looks through a whole system, for the violations and properties that are wanted."""

    def __init__(self, system: TransitionSystem, wanted: AbstractSet[str] | None) -> None:
        self.system = system
        self.program = system.program
        self.running = [t for t in self.program.templates.values() if t.role != "setup"]
        properties = asked(self.program, wanted)
        self.by_step = any(prop.when == "step" for prop in properties)
        """Whether a property is about steps: then none is invisible."""
        asking = [e for p in properties for e in p.asks]
        self.seen = {(a.kind, a.field) for expr in asking for a in read_in(expr)}
        """The fields that properties read."""
        code = [e for t in self.running for block in t.blocks for e in _expressions(block)]
        nodes = [node for expr in (*code, *asking) for node in walk(expr)]
        self.positions = [node for node in nodes if isinstance(node, Position)]
        self.counts_running = any(isinstance(node, Running) for node in nodes)
        self.inside = call_sites(system.layout)
        self.touched = {t.name: accesses(t.blocks) for t in self.running}
        self.spawned = {
            instruction.process
            for t in self.running
            for block in t.blocks
            for instruction in block.instructions
            if isinstance(instruction, Spawn)
        }
        self.recycled = recycled(self.program)
        self.may_leak = (wanted is None or "leak" in wanted) and self._born() != set()
        self.sizes_are_made = any(
            isinstance(info.type, Size)
            for kind in embedding(self.program, self._born())
            for info in self.program.kinds[kind].fields.values()
        )

    def _born(self) -> set[str]:
        return {n for n, kind in self.program.kinds.items() if kind.allocated_by_processes}

    def others(self, template: Template) -> list[Accesses]:
        """Return what is done by all instances but one of a template's."""
        alone = self.system.layout.instances(template.name) == 1
        return [t for name, t in self.touched.items() if name != template.name or not alone]

    def look_alike(self, template: Template, one: int, other: int) -> bool:
        """Tell whether nobody who asks for positions can tell one from another (0 is ended)."""
        if self.counts_running and bool(one) != bool(other):
            return False
        return all(
            self._answer(template, asked, one) == self._answer(template, asked, other)
            for asked in self.positions
        )

    def _answer(self, template: Template, question: Position, position: int) -> bool:
        match question.what:
            case "ended":
                return position == 0
            case "begun":
                return position - 1 not in first_cuts(self.system.layout, template.name)
            case "inside":
                return position in self.inside[template.name].get(question.function, ())

    def good_parameters(self, template: Template) -> set[str]:
        """Return the parameters that begin with the address of something that lives.

        Looked up in the initial states: who is started by a process is not there.
        """
        if template.name in self.spawned:
            return set()
        lasting = mortal(self.program)
        return {
            name
            for name in template.parameters
            if isinstance(kind := template.variables[name], Ref)
            and kind.kind not in lasting
            and all(value > 0 and not value & 1 for value in self._given(template, name))
        }

    def _given(self, template: Template, parameter: str) -> Iterator[int]:
        layout = self.system.layout
        first, position = layout.variables[template.name, parameter], layout.pc[template.name]
        for _, state in self.system.initial:
            for i in range(layout.instances(template.name)):
                if state[position + i]:
                    yield state[first + i]


def _expressions(block: Block) -> Iterator[Expr]:
    for instruction in block.instructions:
        yield from values(instruction)
    if isinstance(block.terminator, Branch):
        yield block.terminator.condition
