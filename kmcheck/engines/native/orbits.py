"""Where the things of a symmetry are in packed states: their own cells, and who names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

from kmcheck.diagnostics import InternalError
from kmcheck.engines.native.packing import CHUNK, Group, Packing
from kmcheck.ir.symmetry import Name, Symmetry, names_of, slots_of
from kmcheck.ir.types import ArrayOf, Counter, ListOf, ProcessId, Ref, SetOf, Size, Type
from kmcheck.semantics.renaming import Renaming, names_things


class Cell(NamedTuple):
    """One code of a state, `number` of those in `slot`: `width` bits from `shift` on of a word.

    `kind` is the type of what it holds alone. Of a large set it has the bits from `first` on.
    """

    word: int
    shift: int
    width: int
    slot: int
    number: int
    kind: Type | None
    first: int
    place: int
    """Its number where that tells what it means: not of the parts of a large set or of a form."""


class Spot(NamedTuple):
    """How a cell names something: by a bit, a code or a coefficient; stale or not."""

    how: Literal["bit", "code", "coefficient"]
    at: int
    stale: int


class Owner(NamedTuple):
    """Whose a cell is: position of the member among all, and which of the member's own."""

    position: int
    role: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a sort: `position` counts those of all sorts."""

    sort: int
    position: int
    slots: tuple[int, ...]
    names: tuple[Name, ...]


class Orbits:
    """The members of a symmetry, and the cells of a packing."""

    def __init__(self, packing: Packing, symmetry: Symmetry) -> None:
        self.packing = packing
        self.symmetry = symmetry
        self.layout = packing.layout
        self.members: list[Member] = []
        for number, sort in enumerate(symmetry.sorts):
            for member in sort.members:
                slots, names = slots_of(self.layout, member), names_of(self.layout, member)
                at = len(self.members)
                self.members.append(Member(number, at, tuple(slots), tuple(names)))
        self.cells = [cell for group in packing.groups.values() for cell in _cells(group)]
        self.at = {(cell.slot, cell.number): cell for cell in self.cells}
        self.owners = {
            slot: Owner(member.position, role)
            for member in self.members
            for role, slot in enumerate(member.slots)
        }
        self._look_at_constants()

    @cached_property
    def pairs(self) -> list[tuple[Member, Member]]:
        """Members of one sort that stand side by side."""
        return [(a, b) for a, b in pairwise(self.members) if a.sort == b.sort]

    def _look_at_constants(self) -> None:
        """Make sure that what takes no bits is the same after every permutation.

        Raises:
            InternalError: it is not.
        """
        state = self.packing.unpack([0] * self.packing.words)
        for a, b in self.pairs:
            first = next(m.position for m in self.members if m.sort == a.sort)
            places = [list(range(len(sort.members))) for sort in self.symmetry.sorts]
            here, there = a.position - first, b.position - first
            places[a.sort][here], places[a.sort][there] = there, here
            after = Renaming(self.layout, self.symmetry, places).of(state)
            for group in self.packing.groups.values():
                own = slice(group.slot, group.slot + group.elements)
                if group.constants is not None and after[own] != state[own]:
                    raise InternalError(f"a permutation changes the constant {group.key}")

    def spots(self, cell: Cell, name: Name) -> Iterator[Spot]:
        """Yield how a cell may name something."""
        match cell.kind:
            case SetOf(element=element):
                for spot in self._codes(element, name, start=0):
                    at = spot.at - cell.first
                    if 0 <= at < cell.width:
                        yield Spot("bit", at, spot.stale)
            case Counter():
                if name.what == "symbol" and name.number == cell.number:
                    yield Spot("coefficient", 0, 0)
            case _:
                yield from self._codes(cell.kind, name, start=1)

    def _codes(self, kind: Type | None, name: Name, start: int) -> Iterator[Spot]:
        """Yield the codes for a name, the first object's or process's being from `start` on."""
        match kind:
            case Ref(kind=what) if name.what == "object" and name.kind == what:
                stride = self.packing.stride(what)
                for stale in range(stride):
                    yield Spot("code", stride * (name.number + start) + stale, stale)
            case ProcessId() if name.what == "process":
                yield Spot("code", name.number + start, 0)
            case Size() if name.what == "symbol":
                yield Spot("code", name.number, 0)
            case _:
                pass


def _cells(group: Group) -> Iterator[Cell]:
    """Yield the cells of a group that take bits."""
    count, width = group.cells.count, group.cells.width
    if group.constants is not None or not width:
        return
    kind = group.type.element if isinstance(group.type, (ListOf, ArrayOf)) else group.type
    large = isinstance(group.type, SetOf) and count > 1
    for at in range(group.elements * count):
        number = at % count
        word, shift = group.word + at // group.per, group.bit + at % group.per * width
        first = CHUNK * number if large else 0
        place = -1 if large or isinstance(kind, Counter) else number
        yield Cell(word, shift, width, group.slot + at // count, number, kind, first, place)


def names(cell: Cell) -> bool:
    """Tell whether a cell holds nothing but names."""
    constant_part = isinstance(cell.kind, Counter) and cell.number == 0
    return names_things(cell.kind) and not constant_part
