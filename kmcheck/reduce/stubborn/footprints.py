"""What code touches: the footprints of instructions, of steps, and of all that may come later.

Everything here errs to the safe side: what a step touches in any state is in its footprint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kmcheck.ir.code import (
    END,
    Alloc,
    Block,
    Branch,
    Free,
    Instruction,
    Spawn,
    Store,
    Template,
    targets,
    values,
)
from kmcheck.ir.expr import (
    Alive,
    Closure,
    Expr,
    Initialised,
    Load,
    Op,
    Position,
    Running,
    Self,
    Var,
    children,
)
from kmcheck.ir.flow import step_blocks, step_ends
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import written_by
from kmcheck.ir.order import embedding, pointed, recycled
from kmcheck.ir.program import Program
from kmcheck.ir.stubborn import ME, NEWCOMER, Footprint, Item, Mode, Place, footprint
from kmcheck.ir.types import Counter, ProcessId, Ref, SetOf, Size, Type
from kmcheck.reduce.stubborn.points import Pointing, Points, shifted
from kmcheck.reduce.stubborn.questions import Questions

OWN_BIT = {"with", "without", "remove"}
SIZES: Place = ("sizes", "", "")
POSITIONS: Place = ("positions", "", "")


class Footprints:
    """Finds the footprints of a program's code."""

    def __init__(self, layout: Layout, questions: Questions) -> None:
        self.layout = layout
        self.program = program = layout.program
        self.questions = questions
        self.recycled = recycled(program)
        self.mortal = embedding(program, {i.kind for i in _running(program) if isinstance(i, Free)})
        self.spawned = {i.process for i in _running(program) if isinstance(i, Spawn)}
        born = embedding(program, {i.kind for i in _running(program) if isinstance(i, Alloc)})
        self.sizes_are_made = any(map(self._has_sizes, born))
        self.known: dict[tuple[str, frozenset[int]], Footprint] = {}
        """What may be touched from a cut on, by what code may be run from there."""

    def next(self, template: Template, cut: int) -> Footprint:
        """Return what a step from a cut may touch."""
        run = [template.blocks[n] for n in step_blocks(template.blocks, cut)]
        ends = step_ends(template.blocks, cut)
        found = set(Touched(self, template, run).items())
        if END in ends and template.name in self.spawned:
            found.add(Item(("pool", template.name, ""), "add", None))
        if self.questions.notice(template, cut, ends):
            found.add(Item(POSITIONS, "add", None))
        return footprint(found)

    def ever(self, template: Template, cut: int) -> Footprint:
        """Return what all steps from a cut on may touch, and those of processes started there."""
        reached = frozenset(_reachable(template, cut))
        key = (template.name, reached)
        if key not in self.known:
            found = set(self._reached(template, cut))
            for name in self._starts(template, cut):
                found.update(self._of_another(name))
            self.known[key] = footprint(found)
        return self.known[key]

    def of_expressions(self, exprs: Iterable[Expr]) -> Footprint:
        """Return what is read by expressions that are no process's: those of properties."""
        touched = Touched(self, None, [])
        return footprint(item for expr in exprs for item in touched.reads(expr))

    def _reached(self, template: Template, cut: int) -> Iterator[Item]:
        """Yield what one process may touch from a cut on."""
        blocks = _reachable(template, cut)
        yield from Touched(self, template, [template.blocks[n] for n in blocks]).items()
        if template.name in self.spawned:
            yield Item(("pool", template.name, ""), "add", None)
        if self.questions.asked:
            yield Item(POSITIONS, "add", None)

    def _starts(self, template: Template, cut: int) -> set[str]:
        """Return the processes that may be started from a cut on, and by those that are."""
        ahead = [template.blocks[n] for n in _reachable(template, cut)]
        found: set[str] = set()
        for block in ahead:
            for instruction in block.instructions:
                if isinstance(instruction, Spawn) and instruction.process not in found:
                    found.add(instruction.process)
                    ahead += self.program.templates[instruction.process].blocks
        return found

    def _of_another(self, name: str) -> Iterator[Item]:
        """Yield what a process that is to be started may touch: it is not known which it is."""
        template = self.program.templates[name]
        for item in self._reached(template, template.entry):
            yield _newcomers(item)

    def started(self, name: str) -> Iterator[Item]:
        """Yield what a process touches while it is started, up to its first cut."""
        template = self.program.templates[name]
        if not template.blocks[template.entry].cut:
            for item in self.next(template, template.entry):
                yield _newcomers(item)

    def address(self, kind: Type, points: Points) -> Iterator[Item]:
        """Yield what is read with a value: whether the addresses in it are stale."""
        name = pointed(kind)
        if name in self.mortal:
            yield Item(("address", name, ""), "read", points if isinstance(kind, Ref) else None)

    def slot(self, kind: Type) -> Iterator[Item]:
        """Yield what a write to a place does: to what dangles, to which sizes are used."""
        name = pointed(kind)
        if name in self.recycled:
            yield Item(("stale", name, ""), "add", None)
        if isinstance(kind, Size | Counter) and self.sizes_are_made:
            yield Item(SIZES, "add", None)

    def _has_sizes(self, kind: str) -> bool:
        return any(isinstance(f.type, Size) for f in self.program.kinds[kind].fields.values())

    def lives(self, instruction: Alloc | Free, points: Points) -> Iterator[Item]:
        """Yield what is touched where an object begins or ends to live, with all in it."""
        index = 0
        for part, at in self.layout.parts(instruction.kind, index):
            there = shifted(points, at - index)
            yield Item(("life", part, ""), "write", there)
            mode: Mode = "write" if isinstance(instruction, Alloc) else "add"
            if isinstance(instruction, Free):
                yield Item(("address", part, ""), "write", there)
            if part in self.recycled:
                yield Item(("stale", part, ""), mode, None)
            if self.sizes_are_made:
                yield Item(SIZES, mode, None)


class Touched:
    """Finds what some blocks of a template touch, or (with no template) what properties do."""

    def __init__(self, all_: Footprints, template: Template | None, blocks: list[Block]) -> None:
        self.all = all_
        self.template = template
        self.blocks = blocks
        self.owner = template is not None and template.name in all_.layout.first_process
        self.pointing = Pointing(all_.layout, template.name if template else "", blocks)

    def items(self) -> Iterator[Item]:
        """Yield what the blocks touch."""
        for block in self.blocks:
            for instruction in block.instructions:
                yield from self._instruction(instruction)
            if isinstance(block.terminator, Branch):
                yield from self.reads(block.terminator.condition)

    def reads(self, expr: Expr) -> Iterator[Item]:
        """Yield what an expression reads."""
        match expr:
            case Op(name="has", args=(Load() as group, Self())) if self._of_processes(group):
                yield self._field(group, "own")
                yield from self.reads(group.ref)
                return
            case Load():
                yield self._field(expr, "read")
                yield from self.all.address(expr.type, None)
            case Initialised(var=var) | (Var() as var):
                yield from self.all.address(var.type, self.pointing.of(var))
                return
            case Alive(kind=kind):
                yield Item(("life", kind, ""), "read", None)
            case Closure(kind=kind, field=field):
                yield Item(("field", kind, field), "read", None)
                yield from self.all.address(Ref(kind), None)
            case Position() | Running():
                yield Item(POSITIONS, "read", None)
        for inner in children(expr):
            yield from self.reads(inner)

    def _field(self, load: Load | Store, mode: Mode) -> Item:
        return Item(("field", load.kind, load.field), mode, self.pointing.of(load.ref))

    def _of_processes(self, load: Load) -> bool:
        kind = load.type
        return self.owner and isinstance(kind, SetOf) and isinstance(kind.element, ProcessId)

    def _instruction(self, instruction: Instruction) -> Iterator[Item]:
        match instruction:
            case Store():
                yield from self._store(instruction)
                return
            case Alloc():
                yield from self.all.lives(instruction, None)
            case Free(ref=ref):
                yield from self.all.lives(instruction, self.pointing.of(ref))
            case Spawn():
                yield from self._spawn(instruction)
            case _:
                pass
        for value in values(instruction):
            yield from self.reads(value)
        name = written_by(instruction)
        if name is not None and self.template is not None:
            yield from self.all.slot(self.template.variables[name])

    def _store(self, store: Store) -> Iterator[Item]:
        declared = self.all.program.kinds[store.kind].fields[store.field].type
        mode, read = self._update(store)
        yield self._field(store, mode)
        yield from self.reads(store.ref)
        for value in read:
            yield from self.reads(value)
        yield from self.all.slot(declared)

    def _update(self, store: Store) -> tuple[Mode, tuple[Expr, ...]]:
        """Return how a field is stored to, and what is read for that."""
        match store.value:
            case Op(name=name, args=(Load() as old, Self())) if (
                name in OWN_BIT and _is_same(old, store) and self._of_processes(old)
            ):
                return "own", ()
            case Op(name="form_add" | "form_sub", args=(Load() as old, amount)) if _is_same(
                old, store
            ) and isinstance(old.type, Counter):
                return "add", (amount,)
        return "write", (store.value,)

    def _spawn(self, spawn: Spawn) -> Iterator[Item]:
        yield Item(("pool", spawn.process, ""), "write", None)
        started = self.all.program.templates[spawn.process]
        for parameter in started.parameters:
            yield from self.all.slot(started.variables[parameter])
        if self.all.questions.asked:
            yield Item(POSITIONS, "add", None)
        yield from self.all.started(spawn.process)


def _running(program: Program) -> Iterator[Instruction]:
    """Yield the instructions of all but setup."""
    for template in program.templates.values():
        if template.role != "setup":
            for block in template.blocks:
                yield from block.instructions


def _reachable(template: Template, start: int) -> list[int]:
    found, seen = [start], {start}
    for number in found:
        for target in targets(template.blocks[number]):
            if target != END and target not in seen:
                seen.add(target)
                found.append(target)
    return found


def _is_same(old: Load, store: Store) -> bool:
    return (old.ref, old.kind, old.field) == (store.ref, store.kind, store.field)


def _newcomers(item: Item) -> Item:
    """Return an item of a process that is to be started: it is none of those that run.

    Its bit in a set of processes is no other's either. What its variables will hold is not known.
    """
    if item.points is None or not all(p.source in ("", ME, NEWCOMER) for p in item.points):
        return item._replace(points=None)
    points = (p._replace(source=NEWCOMER) if p.source else p for p in item.points)
    return item._replace(points=frozenset(points))
