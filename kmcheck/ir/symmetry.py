"""Which things of a system are interchangeable: what a permutation moves, and what it renames.

A thing is a process, an object or the symbol of a size. Things that belong together (a process, the
object that it works on, the symbol of that object's size) are one member, and are exchanged at
once; a sort is a list of members of which any two may be exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial, prod
from typing import Literal, NamedTuple

from kmcheck.ir.layout import Layout


class Name(NamedTuple):
    """What a value names: an object (its kind and index), a process or a symbol."""

    what: Literal["object", "process", "symbol"]
    kind: str
    number: int


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """A process (template, instance), an object (kind, index) or a symbol ("", number)."""

    what: Literal["process", "object", "symbol"]
    name: str
    index: int


Member = tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """Members any two of which may be exchanged. All have things of the same sorts, in order."""

    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """What the first thing of a member is: a template, a kind, or `size`."""
        return self.members[0][0].name or "size"


@dataclass(frozen=True, slots=True)
class Symmetry:
    """A group of permutations: each sort's members in any order. No thing is in two members."""

    sorts: tuple[Sort, ...]

    @property
    def order(self) -> int:
        """How many permutations there are."""
        return prod(factorial(len(sort.members)) for sort in self.sorts)


def slots_of(layout: Layout, member: Member) -> list[int]:
    """Return the slots that are a member's own, in an order that all members of a sort share."""
    return [slot for thing in member for slot in _slots(layout, thing)]


def names_of(layout: Layout, member: Member) -> list[Name]:
    """Return what values call the things of a member and their parts, in a shared order."""
    return [name for thing in member for name in _names(layout, thing)]


def _slots(layout: Layout, thing: Thing) -> Iterator[int]:
    if thing.what == "process":
        yield layout.pc[thing.name] + thing.index
        for variable in layout.program.templates[thing.name].variables:
            yield layout.variables[thing.name, variable] + thing.index
    elif thing.what == "object":
        base = layout.dynamic(thing.name).base
        yield layout.life[thing.name] + thing.index - base
    for kind, index in _objects(layout, thing):
        for field in layout.program.kinds[kind].fields:
            yield layout.fields[kind, field] + index


def _names(layout: Layout, thing: Thing) -> Iterator[Name]:
    if thing.what == "process":
        yield Name("process", "", layout.first_process[thing.name] + thing.index)
    elif thing.what == "symbol":
        yield Name("symbol", "", thing.index)
    for kind, index in _objects(layout, thing):
        yield Name("object", kind, index)


def _objects(layout: Layout, thing: Thing) -> Iterator[tuple[str, int]]:
    """Yield the objects that a thing is or has: what is embedded, what there is per process."""
    if thing.what == "object":
        yield from layout.parts(thing.name, thing.index)
    elif thing.what == "process":
        number = layout.first_process[thing.name] + thing.index
        for kind, groups in layout.groups.items():
            for group in groups:
                if group.role == "process":
                    yield from layout.parts(kind, group.base + number)
