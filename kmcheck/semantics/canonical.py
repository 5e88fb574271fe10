"""The canonical form of a state: the same for all states that a symmetry makes of each other.

Members are coloured by what they hold and by who names them, until no colour tells more members
apart; those that still look alike are told apart in every way, and the least state is taken.

Source: C. N. Ip, D. L. Dill, "Better verification through symmetry" (1996); T. Junttila, "New
orbit algorithms for data symmetries" (2004); B. D. McKay, "Practical graph isomorphism" (1981).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.ir.symmetry import Name, Symmetry, names_of, slots_of
from kmcheck.semantics.machine import State
from kmcheck.semantics.renaming import Renaming, mentioned, names_things

Colours = tuple[tuple[int, ...], ...]
"""For each sort, a number for each member. Members of one number look alike so far."""

Edge = tuple[Any, ...]
WHAT = {"object": 0, "process": 1, "symbol": 2}


class Canonical:
    """Puts states into canonical form."""

    def __init__(self, layout: Layout, symmetry: Symmetry) -> None:
        self.layout = layout
        self.symmetry = symmetry
        self.colouring = Colouring(layout, symmetry)
        self.renamings: dict[Colours, Renaming] = {}

    def of(self, state: State) -> State:
        """Return the canonical form of a state. It is its own."""
        return self._least(state, self.colouring.alike, self.colouring.edges(state))

    def _least(self, state: State, colours: Colours, edges: Edges) -> State:
        """Return the least state in which members stand in the order of their colours."""
        colours = edges.refined(colours)
        tied = min(
            (
                (number, colour)
                for number, sort in enumerate(colours)
                for colour in sort
                if sort.count(colour) > 1
            ),
            default=None,
        )
        if tied is None:
            return self.renaming(colours).of(state)
        ways = (
            self._least(state, told_apart(colours, tied[0], member), edges)
            for member in self._different(state, colours, *tied)
        )
        return min(ways, key=_comparable)

    def _different(self, state: State, colours: Colours, number: int, colour: int) -> Iterator[int]:
        """Yield the members of a colour, but for those that may be swapped with one before."""
        yielded: list[int] = []
        for member, own in enumerate(colours[number]):
            if own != colour:
                continue
            if not any(self.swapped(number, other, member, state) for other in yielded):
                yielded.append(member)
                yield member

    def swapped(self, number: int, one: int, other: int, state: State) -> bool:
        """Tell whether a state stays as it is when two members of a sort are swapped."""
        places = [list(range(len(sort.members))) for sort in self.symmetry.sorts]
        places[number][one], places[number][other] = other, one
        return self.renaming(tuple(map(tuple, places))).of(state) == state

    def renaming(self, places: Colours) -> Renaming:
        """Return what a permutation does to states."""
        if places not in self.renamings:
            self.renamings[places] = Renaming(self.layout, self.symmetry, places)
        return self.renamings[places]


def told_apart(colours: Colours, number: int, member: int) -> Colours:
    """Return colours in which one member comes before those that look like it."""
    sort = colours[number]
    split = [2 * colour + (colour == sort[member]) for colour in sort]
    split[member] -= 1
    return (*colours[:number], tuple(split), *colours[number + 1 :])


def _comparable(state: State) -> State:
    return tuple(value if isinstance(value, tuple) else (value,) for value in state)


class Colouring:
    """What each slot of a state and each name in it has to do with which member."""

    def __init__(self, layout: Layout, symmetry: Symmetry) -> None:
        self.layout = layout
        self.sizes = tuple(len(sort.members) for sort in symmetry.sorts)
        self.alike: Colours = tuple((0,) * size for size in self.sizes)
        """Colours that tell nothing apart."""
        self.owners: dict[int, tuple[int, int, int]] = {}
        """Of a slot: whose it is, as (sort, member), and where among the member's own."""
        self.named: dict[Name, tuple[int, int, int]] = {}
        """Of a name: whose it is, and where among the member's names."""
        for number, sort in enumerate(symmetry.sorts):
            for at, member in enumerate(sort.members):
                for role, slot in enumerate(slots_of(layout, member)):
                    self.owners[slot] = (number, at, role)
                for role, name in enumerate(names_of(layout, member)):
                    self.named[name] = (number, at, role)
        self.naming = [
            slot for slot, kind in enumerate(layout.types[: layout.size]) if names_things(kind)
        ]

    def edges(self, state: State) -> Edges:
        """Return what a state says about its members."""
        found = Edges(self.sizes)
        for slot, (sort, member, _) in self.owners.items():
            value: Any = state[slot]
            if names_things(self.layout.types[slot]):
                value = int(value == UNINITIALISED)
            found.held[sort][member].append(value if isinstance(value, tuple) else (value,))
        for slot in self.naming:
            owner = self.owners.get(slot)
            for tag, name in mentioned(self.layout.types[slot], state[slot]):
                self._note(found, slot, owner, tag, name)
        return found

    def _note(
        self,
        found: Edges,
        slot: int,
        owner: tuple[int, int, int] | None,
        tag: tuple[int, ...],
        name: Name,
    ) -> None:
        """Note that a slot names something, with its owner and with what it names."""
        target = self.named.get(name)
        if owner is None:
            if target is not None:
                found.fixed[target[0]][target[1]].append((0, slot, tag, target[2]))
            return
        sort, member, role = owner
        if target is None:
            fixed = (1, role, tag, WHAT[name.what], name.kind, name.number)
            found.fixed[sort][member].append(fixed)
        elif target[:2] == owner[:2]:
            found.fixed[sort][member].append((2, role, tag, target[2]))
        else:
            end = (role, tag, target[2])
            found.moving[sort][member].append((0, *end, target[0], target[1]))
            found.moving[target[0]][target[1]].append((1, *end, sort, member))


class Edges:
    """What each member holds, and what it names and who names it, of one state."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.held: list[list[list[Edge]]] = [[[] for _ in range(n)] for n in sizes]
        """In each of its slots, but for names."""
        self.fixed: list[list[list[Edge]]] = [[[] for _ in range(n)] for n in sizes]
        """Names in it of itself, or of what no permutation moves; its own names elsewhere."""
        self.moving: list[list[list[Edge]]] = [[[] for _ in range(n)] for n in sizes]
        """How it names other members and they name it: the last two are the other one."""

    def refined(self, colours: Colours) -> Colours:
        """Return the coarsest colours below the given ones that a member's looks decide.

        A colour is the number of the members of its sort that come before all of that colour.
        """
        known = 0
        while True:
            looks = [
                [self._look(sort, member, colours) for member in range(len(own))]
                for sort, own in enumerate(colours)
            ]
            colours = tuple(map(_ranked, looks))
            found = sum(len(set(own)) for own in colours)
            if found == known:
                return colours
            known = found

    def _look(self, sort: int, member: int, colours: Colours) -> Edge:
        moving = [(*edge[:-1], colours[edge[-2]][edge[-1]]) for edge in self.moving[sort][member]]
        return (
            colours[sort][member],
            self.held[sort][member],
            sorted(self.fixed[sort][member]),
            sorted(moving),
        )


def _ranked(looks: list[Edge]) -> tuple[int, ...]:
    order = sorted(looks)
    return tuple(order.index(look) for look in looks)
