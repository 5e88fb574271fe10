"""Loops over all members of a set in one step: where the order in which they go is no matter."""

from __future__ import annotations

from collections.abc import Iterator

from kmcheck.ir.code import (
    END,
    Alloc,
    Assign,
    Branch,
    Check,
    Free,
    Instruction,
    Spawn,
    Store,
    Template,
    targets,
    values,
)
from kmcheck.ir.expr import Closure, Const, Element, Embedded, Expr, Load, Op, Var, walk
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import live_in, read_by, written_by
from kmcheck.ir.types import Int
from kmcheck.reduce.symmetry.faults import Faults, Kinds, Known


class Loops:
    """The loops of one template that take the lowest member of a set, turn by turn."""

    def __init__(self, layout: Layout, template: Template, faults: Faults) -> None:
        self.layout = layout
        self.template = template
        self.blocks = template.blocks
        self.faults = faults

    def unordered(self) -> Iterator[Op]:
        """Yield each `lowest` that stands in a loop for which order is no matter."""
        for number, block in enumerate(self.blocks):
            match block.instructions[:2]:
                case (
                    Assign(var=member, value=Op(name="lowest", args=(Var(name=rest),)) as lowest),
                    Assign(var=left, value=Op(name="without", args=(Var(name=a), Var(name=b)))),
                ) if left == a == rest and b == member:
                    if self._is_unordered(number, member, rest):
                        yield lowest
                case _:
                    pass

    def _is_unordered(self, first: int, member: str, rest: str) -> bool:
        head = self._head(first, rest)
        if head is None:
            return False
        region = self._region(first, head)
        if region is None:
            return False
        body = [i for n in region for i in self.blocks[n].instructions[2 * (n == first) :]]
        tests = [t.condition for n in region if isinstance(t := self.blocks[n].terminator, Branch)]
        end = self.blocks[head].terminator
        assert isinstance(end, Branch)
        own = {i.var for i in body if isinstance(i, Assign)}
        return (
            not own & {member, rest}
            and not own & live_in(self.blocks, own)[head]
            and self._is_each_for_itself(body, tests, member, rest)
            and all(self._is_reset(end.other, local) for local in {member, *own})
        )

    def _head(self, first: int, rest: str) -> int | None:
        """Return the block that asks whether a member is left, if all goes through it."""
        heads = [n for n, block in enumerate(self.blocks) if first in targets(block)]
        if len(heads) != 1 or self.blocks[first].cut or self.blocks[heads[0]].instructions:
            return None
        match self.blocks[heads[0]].terminator:
            case Branch(
                condition=Op(name="ne", args=(Var(name=name), Const(value=0))), then=then, other=out
            ) if name == rest and then == first and out not in (first, END):
                return heads[0]
            case _:
                return None

    def _region(self, first: int, head: int) -> list[int] | None:
        """Return the blocks of a turn, None if it is not all in one step and back to the head."""
        found = [first]
        for number in found:
            for target in targets(self.blocks[number]):
                if target == END or (target != head and self.blocks[target].cut):
                    return None
                if target != head and target not in found:
                    found.append(target)
        return None if self.blocks[head].cut else found

    def _is_each_for_itself(
        self, body: list[Instruction], tests: list[Expr], member: str, rest: str
    ) -> bool:
        """Tell whether a turn only changes what is its member's own, and reads no other's."""
        if not all(isinstance(i, (Assign, Store, Check)) for i in body):
            return False
        stores = [i for i in body if isinstance(i, Store)]
        if not all(self._is_own(store.ref, member) for store in stores):
            return False
        stored = {(store.kind, store.field) for store in stores}
        read = [*tests, *(value for i in body for value in values(i))]
        for node in (node for value in read for node in walk(value)):
            match node:
                case Load(kind=kind, field=field, ref=ref) if (kind, field) in stored:
                    if not self._is_own(ref, member):
                        return False
                case Closure(kind=kind, field=field) if (kind, field) in stored:
                    return False
                case Var(name=name) if name == rest:
                    return False
                case _:
                    pass
        return len(self._wrong(body, tests, member)) <= 1

    def _wrong(self, body: list[Instruction], tests: list[Expr], member: str) -> Kinds:
        """Return the violations that a turn may end in."""
        known = Known(members=frozenset({member}))
        found: set[str] = set()
        for value in [*tests, *(value for i in body for value in values(i))]:
            found |= self.faults.of(value, known)
        for instruction in body:
            match instruction:
                case Store(ref=ref, kind=kind, field=field, value=value):
                    found |= self.faults.followed(ref, kind, known)
                    declared = self.layout.program.kinds[kind].fields[field].type
                    found |= {"range"} if isinstance(declared, Int) else set()
                case Assign(var=var):
                    declared = self.template.variables[var]
                    found |= {"range"} if isinstance(declared, Int) else set()
                case Check(violation=violation):
                    found.add(violation)
                case _:
                    pass
        return frozenset(found)

    def _is_own(self, ref: Expr, member: str) -> bool:
        """Tell whether a reference leads from different members to different objects."""
        match ref:
            case Var(name=name):
                return name == member
            case Embedded(ref=inner):
                return self._is_own(inner, member)
            case Element(group=group, index=Var(name=name)):
                return name == member and self.layout.group(group)[1].role == "process"
            case _:
                return False

    def _is_reset(self, start: int, local: str) -> bool:
        """Tell whether a variable is assigned anew, and not read before, in what is left."""
        ahead = [start]
        for number in ahead:
            if number == END or self.blocks[number].cut:
                return False
            reset = self._resets(number, local)
            if reset is None:
                return False
            if not reset:
                ahead += [t for t in targets(self.blocks[number]) if t not in ahead]
        return True

    def _resets(self, number: int, local: str) -> bool | None:
        """Tell whether a block assigns a variable; None if it looks at it first."""
        for instruction in self.blocks[number].instructions:
            looks = any(local in read_by(value) for value in values(instruction))
            if looks or isinstance(instruction, (Alloc, Free, Spawn)):
                return None
            if written_by(instruction) == local:
                return True
        terminator = self.blocks[number].terminator
        looks = isinstance(terminator, Branch) and local in read_by(terminator.condition)
        return None if looks else False
