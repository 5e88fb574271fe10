"""Slice away what nothing depends on: it is no longer stored.

The cone of influence (`ir.cone`) is what branches, guards, checks, choices, the addresses that are
followed, the sizes of ranges that may be left, and the properties that are asked for depend on,
directly or through assignments. What is outside of it, a statistic, a ghost for a property that
nobody wants, counters of pages where only lifetimes are asked about, stays zero: each store is
followed by one of zero, in the same step, to the same object. So a store to an object that was
freed is a use-after-free as before, and a value that leaves its range is noticed. Where a value
cannot go wrong, zero is stored in its place.

Preserves every violation that is asked for, deadlock and leak: states that agree inside of the cone
have the same steps, which go wrong in the same way, into states that agree inside of it, and all
that is judged lies inside. Where leaks are asked for, all fields that lead from object to object
are inside, and the addresses in daemons' variables. Fewer addresses may dangle, and fewer sizes be
mentioned, than before: that makes no difference, for the reasons that `dead` gives, and where the
order of slots shows addresses are kept. Sizes of objects are kept, too: an allocation makes them.
A property that is neither wanted nor can fail is not judged any more.

Runs that never end are preserved for the same reason, and who can go on in each state with them. A
round may lead back to where it began but for what is outside: the run that is shown goes round
until that has come back, too.

Source: Clarke, Grumberg, Peled, "Model Checking" (1999), 13.1, cone of influence; Weiser, "Program
slicing" (1981).
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from kmcheck.ir.code import Assign, Block, Instruction, Spawn, Store, Template
from kmcheck.ir.cone import Place, cone
from kmcheck.ir.expr import Const, Expr
from kmcheck.ir.failing import Known, asked, fits
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import written_by
from kmcheck.ir.order import ordered, pointed, recycled
from kmcheck.ir.program import Program
from kmcheck.ir.types import Size, Type
from kmcheck.protocols import Question, Reduced, Reduction
from kmcheck.semantics import State
from kmcheck.system import TransitionSystem, recoded


class Slice:
    """The reduction on the shelf."""

    name = "slice"
    order = 10
    endless = True

    def reduce(self, system: TransitionSystem, question: Question) -> Reduced:
        """Return the system without what lies outside of the cone."""
        program = system.program
        properties = asked(program, question.wanted)
        leaks = (question.wanted is None or "leak" in question.wanted) and any(
            kind.allocated_by_processes for kind in program.kinds.values()
        )
        inside = cone(program, properties, leaks=leaks)
        slicing = Slicing(system.layout, frozenset(_outside(program, inside)))
        templates = {
            name: slicing.template(t) if t.role != "setup" else t
            for name, t in program.templates.items()
        }
        if templates == program.templates:
            return Reduced(system)
        changed = recoded(system, replace(program, templates=templates, properties=properties))
        initial = tuple((choices, slicing.state(state)) for choices, state in system.initial)
        return Reduced(replace(changed, initial=initial), slicing.note(program, templates))


def _outside(program: Program, inside: AbstractSet[Place]) -> Iterator[Place]:
    """Yield what may be sliced away."""
    telling = ordered(program) & recycled(program)
    for kind, declared in program.kinds.items():
        for name, info in declared.fields.items():
            place = ("field", kind, name)
            if place not in inside and _may_go(info.type, telling):
                yield place
    for template in program.templates.values():
        for name, kept in template.variables.items():
            place = ("variable", template.name, name)
            if place not in inside and pointed(kept) not in telling:
                yield place


def _may_go(kind: Type, telling: AbstractSet[str]) -> bool:
    return not isinstance(kind, Size) and pointed(kind) not in telling


@dataclass(frozen=True, slots=True)
class Slicing:
    """Writes the code that leaves places at zero."""

    layout: Layout
    outside: AbstractSet[Place]

    def template(self, given: Template) -> Template:
        """Return a template that leaves what is outside at zero."""
        blocks = tuple(self._block(given, block) for block in given.blocks)
        return given if blocks == given.blocks else replace(given, blocks=blocks)

    def _block(self, template: Template, block: Block) -> Block:
        found: list[Instruction] = []
        for instruction in block.instructions:
            for one in self._instruction(template, instruction):
                # a second slicing finds the zeros of the first one there
                if not found or one != found[-1] or not self._leaves_zero(template, one):
                    found.append(one)
        return replace(block, instructions=tuple(found))

    def _instruction(self, template: Template, instruction: Instruction) -> tuple[Instruction, ...]:
        match instruction:
            case Assign(var=var, value=value) if self._goes("variable", template.name, var):
                zero = self._zero(template.variables[var], value)
                return self._replaced(template, instruction, replace(instruction, value=zero))
            case Store(kind=kind, field=name, value=value) if self._goes("field", kind, name):
                declared = self.layout.program.kinds[kind].fields[name].type
                zero = self._zero(declared, value)
                return self._replaced(template, instruction, replace(instruction, value=zero))
        written = written_by(instruction)
        kept = self._started(instruction)
        if written is None or not self._goes("variable", template.name, written):
            return (kept,)
        type_, span = template.variables[written], instruction.span
        return (kept, Assign(written, Const(self.layout.zero(type_), type_, span), span))

    def _leaves_zero(self, template: Template, instruction: Instruction) -> bool:
        match instruction:
            case Assign(var=var, value=Const()):
                return self._goes("variable", template.name, var)
            case Store(kind=kind, field=name, value=Const()):
                return self._goes("field", kind, name)
        return False

    def _goes(self, *place: str) -> bool:
        return place in self.outside

    def _zero(self, kind: Type, value: Expr) -> Const:
        return Const(self.layout.zero(kind), kind, value.span)

    def _replaced(
        self, template: Template, given: Assign | Store, zero: Assign | Store
    ) -> tuple[Instruction, ...]:
        """Return what stores zero, behind what was stored if that may go wrong.

        In a daemon that stays, too: what it reads is what it holds on to.
        """
        if self._is_harmless(given.value, zero.value.type) and template.role != "daemon":
            return (zero,)
        return (zero,) if given.value == zero.value else (given, zero)

    def _is_harmless(self, value: Expr, into: Type) -> bool:
        return not Known(self.layout.program).may_fail(value) and fits(value, into)

    def _started(self, instruction: Instruction) -> Instruction:
        """Return an instruction that gives no process an argument that is outside."""
        if not isinstance(instruction, Spawn):
            return instruction
        started = self.layout.program.templates[instruction.process]
        args = [
            self._zero(started.variables[name], value)
            if self._goes("variable", started.name, name)
            and self._is_harmless(value, started.variables[name])
            else value
            for name, value in zip(started.parameters, instruction.args, strict=True)
        ]
        return replace(instruction, args=tuple(args))

    def state(self, given: State) -> State:
        """Return a state with zero for all that is outside."""
        changed = list(given)
        program, layout = self.layout.program, self.layout
        for what, owner, name in self.outside:
            if what == "field":
                zero = layout.zero(program.kinds[owner].fields[name].type)
                first, count = layout.fields[owner, name], layout.pool(owner)
            else:
                if owner == "setup":
                    continue
                zero = layout.zero(program.templates[owner].variables[name])
                first, count = layout.variables[owner, name], layout.instances(owner)
            changed[first : first + count] = [zero] * count
        return tuple(changed)

    def note(self, program: Program, templates: dict[str, Template]) -> str:
        """Return how many fields and variables are gone that code has stored other values in."""
        gone: set[Place] = set()
        for name, template in program.templates.items():
            for before, after in zip(template.blocks, templates[name].blocks, strict=True):
                if before != after:
                    gone |= self._written(template, before)
        fields = sum(what == "field" for what, _, _ in gone)
        return ", ".join(
            f"{number} {word}{'' if number == 1 else 's'}"
            for number, word in ((fields, "field"), (len(gone) - fields, "variable"))
            if number
        )

    def _written(self, template: Template, block: Block) -> set[Place]:
        found: set[Place] = set()
        for instruction in block.instructions:
            if isinstance(instruction, Store):
                found.add(("field", instruction.kind, instruction.field))
            found.add(("variable", template.name, written_by(instruction) or ""))
            if isinstance(instruction, Spawn):
                parameters = self.layout.program.templates[instruction.process].parameters
                found |= {("variable", instruction.process, name) for name in parameters}
        return found & self.outside


REDUCTION: Reduction = Slice()
