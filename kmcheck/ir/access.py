"""Which fields code reads and writes, and of which objects: what two processes may meet in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kmcheck.ir.code import Block, Branch, Store, values
from kmcheck.ir.expr import Closure, Element, Embedded, Expr, Load, Self, walk


@dataclass(frozen=True, slots=True)
class Access:
    """A field of some objects: those of a global group, or (group empty) any of the kind.

    `group` goes on with the fields through which objects embedded in it are come to. `own` is the
    one of the group that belongs to the process itself.
    """

    kind: str
    field: str
    group: str = ""
    own: bool = False

    def meets(self, other: Access) -> bool:
        """Tell whether an access of another process may be to the same field of the same object."""
        if (self.kind, self.field) != (other.kind, other.field):
            return False
        if not self.group or not other.group:
            return True
        return self.group == other.group and not (self.own and other.own)


@dataclass(frozen=True, slots=True)
class Accesses:
    """What a piece of code reads and writes."""

    reads: frozenset[Access]
    writes: frozenset[Access]

    def conflicts(self, other: Accesses) -> bool:
        """Tell whether the order of this and what another process does may show."""
        return (
            _meet(self.writes, other.writes)
            or _meet(self.writes, other.reads)
            or _meet(self.reads, other.writes)
        )


def _meet(some: Iterable[Access], others: Iterable[Access]) -> bool:
    return any(a.meets(b) for a in some for b in others)


def access(ref: Expr, kind: str, field: str) -> Access:
    """Return the access to a field through an address."""
    path = ""
    while isinstance(ref, Embedded):
        path = f".{ref.field}{path}"
        ref = ref.ref
    if isinstance(ref, Element):
        return Access(kind, field, ref.group + path, isinstance(ref.index, Self))
    return Access(kind, field)


def read_in(expr: Expr) -> Iterator[Access]:
    """Yield what an expression reads."""
    for node in walk(expr):
        if isinstance(node, Load):
            yield access(node.ref, node.kind, node.field)
        elif isinstance(node, Closure):
            yield Access(node.kind, node.field)


def accesses(blocks: Iterable[Block]) -> Accesses:
    """Return what blocks read and write."""
    reads: set[Access] = set()
    writes: set[Access] = set()
    for block in blocks:
        for instruction in block.instructions:
            for value in values(instruction):
                reads.update(read_in(value))
            if isinstance(instruction, Store):
                writes.add(access(instruction.ref, instruction.kind, instruction.field))
        if isinstance(block.terminator, Branch):
            reads.update(read_in(block.terminator.condition))
    return Accesses(frozenset(reads), frozenset(writes))
