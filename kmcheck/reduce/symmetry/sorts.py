"""Which members make a sort: things that are alike at the beginning, with what is tied to them.

Some of what setup stores is never changed: page i is for ever the page of process i. Permutations
have to leave it as it is, so that what is tied together is exchanged together. The beginning is
coloured, as for a canonical form; telling one thing of a colour apart shows what is tied to it.

What may be taken again after it was free is another matter: a new object, or a new size, may get
any place that is free, so that all places are one sort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial

from kmcheck.ir.layout import Layout
from kmcheck.ir.symmetry import Member, Name, Sort, Symmetry, Thing
from kmcheck.ir.types import Counter, Size
from kmcheck.reduce.symmetry.changes import Changes, lasting
from kmcheck.reduce.symmetry.equivariance import SYMBOLS, Category
from kmcheck.semantics import State
from kmcheck.semantics.canonical import Colouring, Colours, Edges, told_apart
from kmcheck.semantics.renaming import Renaming, mentioned

MOST = 8
"""Members of a sort: any subgroup is sound, and 8! is large enough."""

MOST_ORDERS = 30_000_000
"""Permutations of all sorts together: all may have to be tried for a state, in half a second."""

Cell = tuple[int, tuple[int, ...]]
"""A sort of single things, and those of one colour in it."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Things that code treats alike. Of `renewed` ones, any that is free may be taken."""

    fixed: dict[Category, list[Thing]]
    renewed: dict[Category, list[Thing]]


def sorts(
    layout: Layout, initial: list[State], changes: Changes, broken: set[Category]
) -> Iterator[Sort]:
    """Yield the sorts of a system: at least two members each, no thing twice.

    What there are too many of is left out: of what is renewed all of it, of other things the last.
    """
    held = list(lasting(layout, changes, initial))
    found = _candidates(layout, initial, changes, broken, held)
    orders = 1
    for things in found.renewed.values():
        if len(things) == _most(len(things), orders) > 1:
            orders *= factorial(len(things))
            yield Sort(tuple((thing,) for thing in things))
    for members in Ties(layout, initial[0], found).bundles():
        sort = Sort(tuple(members[: _most(len(members), orders)]))
        if _keeps(layout, initial[0], held, sort):
            orders *= factorial(len(sort.members))
            yield sort


def _most(count: int, orders: int) -> int:
    """Return how many of so many members a sort may have, where so many orders are there."""
    few = min(count, MOST)
    while orders * factorial(few) > MOST_ORDERS:
        few -= 1
    return few


def _candidates(
    layout: Layout,
    initial: list[State],
    changes: Changes,
    broken: set[Category],
    held: list[int],
) -> Candidates:
    fixed: dict[Category, list[Thing]] = {}
    renewed: dict[Category, list[Thing]] = {}
    state = initial[0]
    for name in layout.processes:
        running = [i for i in range(layout.instances(name)) if state[layout.pc[name] + i]]
        fixed[Category("process", name)] = [Thing("process", name, i) for i in running]
    for kind in layout.program.kinds:
        base, life = layout.dynamic(kind).base, layout.life[kind]
        where = renewed if kind in changes.allocated else fixed
        where[Category("object", kind)] = [
            Thing("object", kind, base + i)
            for i in range(layout.dynamic(kind).count)
            if (kind not in changes.allocated and state[life + i])
            or (kind in changes.allocated and _may_be_free(life + i, kind, initial, changes))
        ]
    symbols = [Thing("symbol", "", k) for k in _symbols(layout, initial, changes, held)]
    (renewed if _renews_sizes(layout, changes) else fixed)[SYMBOLS] = symbols
    for group in (fixed, renewed):
        for category in broken & set(group):
            del group[category]
    return Candidates(fixed, renewed)


def _may_be_free(slot: int, kind: str, initial: list[State], changes: Changes) -> bool:
    return kind in changes.dangling or any(not state[slot] for state in initial)


def _renews_sizes(layout: Layout, changes: Changes) -> bool:
    """Tell whether sizes come into being after setup."""
    return any(
        isinstance(info.type, Size)
        for kind in changes.allocated
        for part, _ in layout.parts(kind, layout.dynamic(kind).base)
        for info in layout.program.kinds[part].fields.values()
    )


def _symbols(
    layout: Layout, initial: list[State], changes: Changes, held: list[int]
) -> Iterator[int]:
    """Yield the symbols that are no lasting thing's, and in use if no new ones ever are."""
    kept = {name.number for slot in held for name in _sizes(layout, slot, initial[0])}
    used = {name.number for slot in range(layout.size) for name in _sizes(layout, slot, initial[0])}
    renews = _renews_sizes(layout, changes)
    for symbol in range(1, layout.symbols + 1):
        if (symbol not in kept) if renews else (symbol in used):
            yield symbol


def _sizes(layout: Layout, slot: int, state: State) -> list[Name]:
    kind = layout.types[slot]
    if not isinstance(kind, (Size, Counter)):
        return []
    return [name for _, name in mentioned(kind, state[slot])]


class Ties:
    """What is tied to what at the beginning."""

    def __init__(self, layout: Layout, state: State, found: Candidates) -> None:
        self.things = [*filter(None, found.fixed.values()), *filter(None, found.renewed.values())]
        self.movable = len([*filter(None, found.fixed.values())])
        """How many sorts of things, from the first on, may become members."""
        single = Symmetry(tuple(Sort(tuple((t,) for t in things)) for things in self.things))
        colouring = Colouring(layout, single)
        self.edges: Edges = colouring.edges(state)
        self.colours = self.edges.refined(colouring.alike)
        self.taken: set[tuple[int, int]] = set()

    def bundles(self) -> Iterator[list[Member]]:
        """Yield lists of members that the beginning does not tell apart."""
        while True:
            left = []
            for cell in self._cells():
                if self.taken & {(cell[0], at) for at in cell[1]}:
                    continue
                members = self._bundled(cell)
                if members is None:
                    left.append(cell)
                else:
                    yield members
            if not left:
                return
            number, cell_of = min(left, key=lambda cell: (len(cell[1]), cell))
            self.colours = self.edges.refined(told_apart(self.colours, number, cell_of[0]))

    def _cells(self) -> list[Cell]:
        return [
            (number, cell)
            for number, sort in enumerate(self.colours[: self.movable])
            for colour in sorted(set(sort))
            if len(cell := tuple(i for i, c in enumerate(sort) if c == colour)) > 1
        ]

    def _bundled(self, cell: Cell) -> list[Member] | None:
        """Return each thing of a cell with what is tied to it, None if that is not a member."""
        number, things = cell
        tied: list[list[tuple[int, int]]] = []
        for place, thing in enumerate(things):
            finer = self.edges.refined(told_apart(self.colours, number, thing))
            found = self._tied(cell, place, finer)
            if found is None:
                return None
            tied.append([(number, thing), *found])
        flat = [end for ends in tied for end in ends]
        shapes = {tuple(sort for sort, _ in ends) for ends in tied}
        if len(shapes) > 1 or len(set(flat)) < len(flat) or self.taken & set(flat):
            return None
        self.taken |= set(flat)
        return [tuple(self.things[sort][at] for sort, at in ends) for ends in tied]

    def _tied(self, cell: Cell, place: int, finer: Colours) -> list[tuple[int, int]] | None:
        """Return the things that stand alone once one of a cell does, one of each other cell."""
        found = []
        for number, other in self._cells():
            parts = [finer[number][at] for at in other]
            if (number, other) == cell:
                if len(set(parts)) > 2:  # noqa: PLR2004 - the one, and all others
                    return None
                continue
            if len(set(parts)) == 1:
                continue
            alone = [at for at, part in zip(other, parts, strict=True) if parts.count(part) == 1]
            if len(other) != len(cell[1]) or len(set(parts)) > 2:  # noqa: PLR2004
                return None
            if len(other) == 2:  # noqa: PLR2004 - swapping one pair swaps the other: any match will do
                alone = [other[place]]
            if len(alone) != 1:
                return None
            found.append((number, alone[0]))
        return found


def _keeps(layout: Layout, state: State, held: list[int], sort: Sort) -> bool:
    """Tell whether what never changes stays as it is when members are exchanged."""
    if len(sort.members) < 2:  # noqa: PLR2004
        return False
    symmetry = Symmetry((sort,))
    for at in range(len(sort.members) - 1):
        places = list(range(len(sort.members)))
        places[at], places[at + 1] = at + 1, at
        after = Renaming(layout, symmetry, [places]).of(state)
        if any(after[slot] != state[slot] for slot in held):
            return False
    return True
