"""Writes the function that exchanges two members in a packed state."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.diagnostics import InternalError
from kmcheck.engines.native.emit import WORDS, Emitter, Value, i64
from kmcheck.engines.native.orbits import Cell, Member, Orbits, Spot, names
from kmcheck.ir.symmetry import Name

Moves = dict[tuple[int, int, int], int]
"""Bits to exchange: those of a mask in one word with those so many places higher in another."""


def exchange(module: ir.Module, orbits: Orbits, one: Member, other: Member) -> ir.Function:
    """Return a function that exchanges two members of a sort, in place."""
    kind = ir.FunctionType(ir.VoidType(), [WORDS])
    function = ir.Function(module, kind, f"exchange.{one.position}.{other.position}")
    function.linkage = "internal"
    code = Emitter(function)
    words = Words(code, function.args[0])
    moves: Moves = {}
    for cell in orbits.cells:
        owner = orbits.owners.get(cell.slot)
        if owner is not None and owner.position == one.position:
            _move(moves, cell, orbits.at[other.slots[owner.role], cell.number])
        if names(cell):
            _rename(words, moves, orbits, cell, one, other)
    for (low, high, places), mask in moves.items():
        words.exchange(low, high, places, mask)
    words.store()
    code.builder.ret_void()
    return function


class Words:
    """The words of a state, held in registers; `store` writes back those that were changed."""

    def __init__(self, code: Emitter, pointer: Value) -> None:
        self.code = code
        self.pointer = pointer
        self.held: dict[int, Value] = {}
        self.changed: set[int] = set()

    def of(self, number: int) -> Value:
        """Return a word."""
        if number not in self.held:
            b = self.code.builder
            self.held[number] = b.load(b.gep(self.pointer, [i64(number)]))
        return self.held[number]

    def change(self, number: int, by: Value) -> None:
        """Turn the bits of a word that are set in `by`."""
        self.held[number] = self.code.builder.xor(self.of(number), by)
        self.changed.add(number)

    def code_of(self, cell: Cell) -> Value:
        """Return the code in a cell."""
        b = self.code.builder
        return b.and_(b.lshr(self.of(cell.word), i64(cell.shift)), i64((1 << cell.width) - 1))

    def exchange(self, low: int, high: int, places: int, mask: int) -> None:
        """Exchange the bits of a mask in one word with those `places` higher in another."""
        b = self.code.builder

        def up(value: Value, by: int) -> Value:
            return b.shl(value, i64(by)) if by >= 0 else b.lshr(value, i64(-by))

        differ = b.and_(b.xor(self.of(low), up(self.of(high), -places)), i64(mask))
        self.change(low, differ)
        self.change(high, up(differ, places))

    def store(self) -> None:
        """Write back what was changed."""
        for number in sorted(self.changed):
            place = self.code.builder.gep(self.pointer, [i64(number)])
            self.code.builder.store(self.held[number], place)


def _move(moves: Moves, one: Cell, other: Cell) -> None:
    """Note that two cells are to be exchanged."""
    key = (one.word, other.word, other.shift - one.shift)
    moves[key] = moves.get(key, 0) | ((1 << one.width) - 1) << one.shift


def _rename(
    words: Words, moves: Moves, orbits: Orbits, cell: Cell, one: Member, other: Member
) -> None:
    """Let a cell name either member where it named the other."""
    for here, there in zip(one.names, other.names, strict=True):
        spots = list(orbits.spots(cell, here))
        if not spots:
            continue
        if spots[0].how == "code":
            _rename_code(words, cell, spots, list(orbits.spots(cell, there)))
            continue
        for spot in spots:
            into, twin = _twin(orbits, cell, there, spot.stale)
            if spot.how == "coefficient":
                _move(moves, cell, into)
                continue
            key = (cell.word, into.word, into.shift + twin.at - cell.shift - spot.at)
            moves[key] = moves.get(key, 0) | 1 << cell.shift + spot.at


def _twin(orbits: Orbits, cell: Cell, name: Name, stale: int) -> tuple[Cell, Spot]:
    """Return where something has its bit or coefficient: here or in a cell of the same slot."""
    beside = [orbits.at[slot, n] for slot, n in orbits.at if slot == cell.slot and n != cell.number]
    for into in (cell, *beside):
        for spot in orbits.spots(into, name):
            if spot.stale == stale:
                return into, spot
    raise InternalError(f"{name} has no place in a set")


def _rename_code(words: Words, cell: Cell, here: list[Spot], there: list[Spot]) -> None:
    """Exchange two codes. Of an address that may be stale the lowest bit says so, and stays."""
    b, low = words.code.builder, len(here) - 1
    number = b.lshr(words.code_of(cell), i64(low))
    one, other = here[0].at >> low, there[0].at >> low
    either = b.or_(
        b.icmp_unsigned("==", number, i64(one)), b.icmp_unsigned("==", number, i64(other))
    )
    words.change(cell.word, b.select(either, i64((one ^ other) << low + cell.shift), i64(0)))
