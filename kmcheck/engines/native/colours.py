"""Writes the functions that colour the members of a symmetry in a packed state.

A colour is a hash of what a member holds and of who names it, and the same for a member and for its
image under any permutation. Two that differ may collide: they then count as alike, and whoever
asks tells them apart in another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from llvmlite import ir

from kmcheck.engines.native.emit import I64, WORDS, Emitter, Value, i64
from kmcheck.engines.native.exchange import Words
from kmcheck.engines.native.orbits import Cell, Member, Orbits, Spot, names

Naming = tuple[Member, int, Spot]
"""A member, which of its names, and how a cell spells it."""

Edge = tuple[Cell, int, int, Spot, tuple[object, ...]]
"""Where a member's cell may name another one: both positions, how, and what that means."""

LARGEST = 12
"""Bits of a cell up to which a table says what each of its codes is worth."""


def key(*what: object) -> int:
    """Return an odd number of 64 bits that belongs to something."""
    found = int.from_bytes(blake2b(repr(what).encode(), digest_size=8).digest(), "little") | 1
    return found - (1 << 64) if found >> 63 else found


class Colours:
    """The functions `own(words, colours)` and `mixed(words, colours)`, which write a word a member.

    The first looks at members by themselves, the second at their neighbours' colours too; it is
    None if members cannot be neighbours.
    """

    def __init__(self, module: ir.Module, orbits: Orbits) -> None:
        self.module = module
        self.orbits = orbits
        self.known: dict[Cell, list[Naming]] = {}
        self.own = self._own()
        edges = list(self._edges())
        self.mixed = self._mixed(edges) if edges else None

    def _function(self, name: str) -> tuple[ir.Function, Emitter, Words]:
        kind = ir.FunctionType(ir.VoidType(), [WORDS, WORDS])
        function = ir.Function(self.module, kind, name)
        function.linkage = "internal"
        code = Emitter(function)
        return function, code, Words(code, function.args[0])

    # --- by themselves -------------------------------------------------------------------------

    def _own(self) -> ir.Function:
        function, code, words = self._function("colours.own")
        b = code.builder
        found: list[Value] = [i64(0) for _ in self.orbits.members]
        for cell in self.orbits.cells:
            owner = self.orbits.owners.get(cell.slot)
            if owner is not None:
                member = self.orbits.members[owner.position]
                role = (member.sort, owner.role, cell.place)
                for part in self._held(words, cell, member, role):
                    found[owner.position] = b.add(found[owner.position], part)
            elif names(cell):
                for member, name, spot in self._named(cell):
                    by = key("by", name, cell.slot, cell.place, spot.stale)
                    part = b.mul(_says(words, cell, spot), i64(by))
                    found[member.position] = b.add(found[member.position], part)
        _write(code, function.args[1], found)
        return function

    def _named(self, cell: Cell) -> list[Naming]:
        """Return which members a cell may name, by which of their names, and how."""
        if cell not in self.known:
            self.known[cell] = [
                (member, role, spot)
                for member in self.orbits.members
                for role, name in enumerate(member.names)
                for spot in self.orbits.spots(cell, name)
            ]
        return self.known[cell]

    def _held(
        self, words: Words, cell: Cell, member: Member, role: tuple[int, ...]
    ) -> Iterator[Value]:
        """Yield what a member's own cell adds to its colour."""
        b = words.code.builder
        named = self._named(cell) if names(cell) else []
        if not named:
            yield b.mul(words.code_of(cell), i64(key("holds", *role, cell.first)))
        elif named[0][2].how == "code":
            if cell.width <= LARGEST:
                worth = self._worth(cell, member, named)
                at = b.gep(worth, [i64(0), words.code_of(cell)])
                yield b.mul(b.load(at), i64(key("names", *role)))
        elif named[0][2].how == "coefficient":
            yield b.mul(words.code_of(cell), i64(key(self._class(member, *named[0]), *role)))
        else:
            yield from self._set(words, cell, member, role, named)

    def _class(self, member: Member, other: Member, role: int, spot: Spot) -> tuple[object, ...]:
        """Return what a name means to a member, but for which member of a sort it is of."""
        whose = "own" if member.position == other.position else other.sort
        return (whose, role, spot.stale)

    def _worth(self, cell: Cell, member: Member, named: list[Naming]) -> ir.GlobalVariable:
        """Return a table with what each code is worth to a member."""
        worth = [key("code", code) for code in range(1 << cell.width)]
        for other, role, spot in named:
            worth[spot.at] = key(self._class(member, other, role, spot))
        name = f"worth.{member.position}.{key(*worth) & (1 << 62) - 1}"
        table = self.module.globals.get(name)
        if table is None:
            kind = ir.ArrayType(I64, len(worth))
            table = ir.GlobalVariable(self.module, kind, name)
            table.global_constant, table.linkage = True, "internal"
            table.initializer = ir.Constant(kind, worth)
        return table

    def _set(
        self,
        words: Words,
        cell: Cell,
        member: Member,
        role: tuple[int, ...],
        named: list[Naming],
    ) -> Iterator[Value]:
        """Yield what a set adds: how many there are of each class, and which of what is fixed."""
        b, bits = words.code.builder, words.code_of(cell)
        masks: dict[tuple[object, ...], int] = {}
        fixed = (1 << cell.width) - 1
        for other, name, spot in named:
            fixed &= ~(1 << spot.at)
            what = self._class(member, other, name, spot)
            masks[what] = masks.get(what, 0) | 1 << spot.at
        if fixed:
            yield b.mul(b.and_(bits, i64(fixed)), i64(key("holds", *role, cell.first)))
        for what, mask in masks.items():
            count = words.code.count(b.and_(bits, i64(mask)))
            yield b.mul(count, i64(key(what, *role)))

    # --- with their neighbours -----------------------------------------------------------------

    def _edges(self) -> Iterator[Edge]:
        """Yield where a member's cell may name another member."""
        for cell in self.orbits.cells:
            owner = self.orbits.owners.get(cell.slot)
            if owner is None or not names(cell):
                continue
            sort = self.orbits.members[owner.position].sort
            for other, role, spot in self._named(cell):
                if other.position != owner.position:
                    what = (sort, owner.role, cell.place, other.sort, role, spot.stale)
                    yield cell, owner.position, other.position, spot, what

    def _mixed(self, edges: list[Edge]) -> ir.Function:
        function, code, words = self._function("colours.mixed")
        b = code.builder
        b.call(self.own, function.args)
        found = [b.load(b.gep(function.args[1], [i64(m.position)])) for m in self.orbits.members]
        stirred = [b.xor(own, b.lshr(own, i64(29))) for own in found]
        for cell, owner, other, spot, what in edges:
            says = _says(words, cell, spot)
            out = b.mul(b.mul(stirred[other], i64(key("out", *what))), says)
            back = b.mul(b.mul(stirred[owner], i64(key("back", *what))), says)
            found[owner] = b.add(found[owner], out)
            found[other] = b.add(found[other], back)
        _write(code, function.args[1], found)
        return function


def _says(words: Words, cell: Cell, spot: Spot) -> Value:
    """Return 1 where a cell names something, or its coefficient, 0 where it does not."""
    b, bits = words.code.builder, words.code_of(cell)
    match spot.how:
        case "bit":
            return b.and_(b.lshr(bits, i64(spot.at)), i64(1))
        case "code":
            return words.code.wide(b.icmp_unsigned("==", bits, i64(spot.at)))
        case "coefficient":
            return bits


def _write(code: Emitter, colours: Value, found: list[Value]) -> None:
    """Write the colours, and return."""
    for position, colour in enumerate(found):
        code.builder.store(colour, code.builder.gep(colours, [i64(position)]))
    code.builder.ret_void()
