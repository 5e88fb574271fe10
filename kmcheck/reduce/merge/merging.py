"""Takes cuts away from one template: those whose steps may be made with the steps before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kmcheck.ir.access import accesses
from kmcheck.ir.code import (
    END,
    Assign,
    Block,
    Branch,
    Choose,
    Instruction,
    Store,
    Template,
    values,
)
from kmcheck.ir.expr import Alive, Closure, Const, Expr, Op, Position, Quantifier, Running, walk
from kmcheck.ir.failing import Known, fits
from kmcheck.ir.flow import has_inner_loop, step_blocks, step_ends
from kmcheck.ir.good import behind, good_at, stable
from kmcheck.ir.live import written_by
from kmcheck.ir.order import pointed
from kmcheck.ir.types import Counter, Size, Type
from kmcheck.reduce.merge.surroundings import Surroundings
from kmcheck.semantics.machine import FUEL
from kmcheck.semantics.positions import first_cuts


def merged(around: Surroundings, template: Template) -> Template:
    """Return a template with fewer cuts."""
    kept = first_cuts(around.system.layout, template.name) | {template.entry}
    candidates = [n for n, block in enumerate(template.blocks) if block.cut and n not in kept]
    steps = Steps(around, template)
    found = {c for c in candidates if steps.may_move(c)}
    taken: set[int] = set()
    blocks = list(template.blocks)
    for cut in sorted(found):
        without = [*blocks[:cut], replace(blocks[cut], cut=False), *blocks[cut + 1 :]]
        if all(not has_inner_loop(without, start) for start in _through(without, cut)):
            blocks = without
            taken.add(cut)
    if not taken or len(blocks) >= FUEL:
        return template
    return replace(template, blocks=tuple(blocks), merged=template.merged | taken)


def _through(blocks: Sequence[Block], number: int) -> list[int]:
    """Return where the steps begin that a block is part of, and the block itself."""
    starts = [n for n, block in enumerate(blocks) if block.cut or n == number]
    return [start for start in starts if number in step_blocks(blocks, start)]


class Steps:
    """Judges the steps of one template: 1 to 3 of the reduction's conditions."""

    def __init__(self, around: Surroundings, template: Template) -> None:
        self.around = around
        self.template = template
        self.blocks = template.blocks
        self.good = good_at(around.program, template, self._given())
        self.stable = stable(around.program, template)
        self.others = around.others(template)

    def _given(self) -> set[str]:
        """Return the good parameters: those not assigned before the first cut."""
        template = self.template
        start = step_blocks(template.blocks, template.entry)
        written = {
            written_by(i)
            for n in (start if not template.blocks[template.entry].cut else ())
            for i in template.blocks[n].instructions
        }
        return self.around.good_parameters(template) - {w for w in written if w}

    def may_move(self, cut: int) -> bool:
        """Tell whether the steps from a cut may be made as soon as it is come to."""
        run = step_blocks(self.blocks, cut)
        return (
            self.is_sure(run)
            and self.is_independent(run)
            and self.is_invisible(cut, run)
            and self._keeps_addresses(run)
        )

    def is_sure(self, run: list[int]) -> bool:
        """Tell whether blocks can always be run, and nothing goes wrong in them."""
        for number in run:
            known = Known(self.around.program, self.good[number])
            for instruction in self.blocks[number].instructions:
                if not self._is_sure(instruction, known):
                    return False
                known = behind(instruction, known, self.stable)
            terminator = self.blocks[number].terminator
            if isinstance(terminator, Branch) and known.may_fail(terminator.condition):
                return False
        return True

    def _is_sure(self, instruction: Instruction, known: Known) -> bool:
        match instruction:
            case Assign(var=var, value=value):
                return not known.may_fail(value) and fits(value, self.template.variables[var])
            case Store(ref=ref, kind=kind, field=name, value=value):
                declared = self.around.program.kinds[kind].fields[name].type
                return known.good(ref) and not known.may_fail(value) and fits(value, declared)
            case Choose(options=Const(value=members)):
                return bool(members)
        return False

    def is_independent(self, run: list[int]) -> bool:
        """Tell whether it does not matter what others do before, between and behind blocks."""
        blocks = [self.blocks[number] for number in run]
        own = accesses(blocks)
        return not any(own.conflicts(other) for other in self.others) and not any(
            _asks_for_others(node)
            for block in blocks
            for e in _evaluated(block)
            for node in walk(e)
        )

    def is_invisible(self, cut: int, run: list[int]) -> bool:
        """Tell whether no property, and nobody who asks for positions, notices a step."""
        own = accesses(self.blocks[number] for number in run)
        if any((write.kind, write.field) in self.around.seen for write in own.writes):
            return False
        ends = step_ends(self.blocks, cut)
        if END in ends and self.template.name in self.around.spawned:
            return False  # who ends makes room for another
        positions = [0 if end == END else end + 1 for end in ends]
        return all(self.around.look_alike(self.template, cut + 1, p) for p in positions)

    def _keeps_addresses(self, run: list[int]) -> bool:
        """Tell whether no allocation can notice what is written, and no leak begins or ends."""
        held = self.around.may_leak and self.template.role == "daemon"
        for kind in self._written(run):
            if pointed(kind) in self.around.recycled or (held and pointed(kind)):
                return False
            if isinstance(kind, Size | Counter) and self.around.sizes_are_made:
                return False
        return True

    def _written(self, run: list[int]) -> list[Type]:
        """Return the types of what blocks write."""
        found: list[Type] = []
        for number in run:
            for instruction in self.blocks[number].instructions:
                if isinstance(instruction, Store):
                    kind = self.around.program.kinds[instruction.kind]
                    found.append(kind.fields[instruction.field].type)
                name = written_by(instruction)
                if name is not None:
                    found.append(self.template.variables[name])
        return found


def _evaluated(block: Block) -> list[Expr]:
    found = [value for instruction in block.instructions for value in values(instruction)]
    if isinstance(block.terminator, Branch):
        found.append(block.terminator.condition)
    return found


def _asks_for_others(node: Expr) -> bool:
    """Tell whether a value depends on more than variables and the fields that are named."""
    if isinstance(node, Op):
        return node.name == "is_alive"
    return isinstance(node, Alive | Closure | Position | Quantifier | Running)
