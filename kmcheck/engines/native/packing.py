"""Where each value of a state lies in its bits, and how it is written there.

A state is W words of 64 bits. What belongs together (one field of all objects of a kind, one
variable of all instances of a process) is an array of elements, an element one or more cells of
one width. Integers of a wide range get few bits at first: the engine notices when one does not
fit, and begins again with wider cells (`Widths`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kmcheck.engines.native.touched import Touched
from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.ir.types import ArrayOf, Counter, Int, ListOf, Ref, SetOf, Type

WORD = 64
CHUNK = 32
"""Bits of a cell of a set that is too large for one word."""

Key = tuple[str, str, str]
"""What a group is: of `pc` a template, of `var` a template and a variable, of `life` a kind, of
`field` a kind and a field."""

Widths = dict[Key, int]
"""How often the cells of a group have been widened."""

MOST_DECODED = 1 << 14
"""Values of a group that are remembered."""

STEPS = (3, 6, 16, 32, 62)
"""Widths of a cell for an integer of a wide range, in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How an element is written: `count` cells of `width` bits, each a code.

    The code of an integer v is `v - low`. `unset` is the code of a value that was never assigned,
    -1 if there is none. `narrow` says that values may turn out not to fit.
    """

    count: int
    width: int
    low: int = 0
    unset: int = -1
    narrow: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Elements of one type: `slot` is the first one's place in the reference's state.

    Cell i is `bit + i % per * width` bits into word `word + i // per`. `constants` are the cells'
    codes if they never change: they then have no place.
    """

    key: Key
    type: Type | None
    slot: int
    elements: int
    cells: Cells
    word: int = 0
    bit: int = 0
    per: int = 1
    constants: tuple[int, ...] | None = None
    codes: tuple[int, ...] = ()
    """Of positions: the reference's number for each code."""

    def bits(self, words: list[int]) -> object:
        """Return what tells apart the values that words have for this group."""
        if self.constants is not None:
            return 0
        cells = self.elements * self.cells.count
        if cells <= self.per:
            return words[self.word] >> self.bit & (1 << cells * self.cells.width) - 1
        return tuple(words[self.word : self.word - (-cells // self.per)])


@dataclass(slots=True)
class Packing:
    """The groups of a layout, and how many words they take."""

    layout: Layout
    touched: Touched
    groups: dict[Key, Group] = field(default_factory=dict)
    fleeting: dict[str, frozenset[str]] = field(default_factory=dict)
    words: int = 1
    bits: int = 0
    decoded: dict[Key, dict[object, tuple[Any, ...]]] = field(default_factory=dict, compare=False)
    """What the bits of groups have turned out to stand for: few that occur are new ones."""

    def pack(self, state: tuple[Any, ...]) -> list[int]:
        """Return a state's words.

        Raises:
            Narrow: a value does not fit its cell.
        """
        words = [0] * self.words
        for group in self.groups.values():
            if group.constants is not None:
                continue
            codes = [
                c for i in range(group.elements) for c in self.encode(group, state[group.slot + i])
            ]
            for at, code in enumerate(codes):
                words[group.word + at // group.per] |= (
                    code << group.bit + at % group.per * group.cells.width
                )
        return words

    def unpack(self, words: list[int]) -> tuple[Any, ...]:
        """Return the state that words stand for."""
        state = list(self.layout.blank[: self.layout.size])
        for key, group in self.groups.items():
            known = self.decoded.setdefault(key, {})
            bits = group.bits(words)
            values = known.get(bits)
            if values is None:
                if len(known) >= MOST_DECODED:
                    known.clear()
                values = known[bits] = self._elements(group, words)
            state[group.slot : group.slot + group.elements] = values
        return tuple(state)

    def _elements(self, group: Group, words: list[int]) -> tuple[Any, ...]:
        count, width = group.cells.count, group.cells.width
        codes = group.constants or tuple(
            words[group.word + at // group.per] >> group.bit + at % group.per * width
            & (1 << width) - 1
            for at in range(group.elements * count)
        )
        return tuple(
            self.decode(group, codes[i * count : (i + 1) * count]) for i in range(group.elements)
        )

    def stride(self, kind: str) -> int:
        """Return how many bits of a set an object has: two if its addresses may be stale."""
        return 2 if kind in self.touched.dangling else 1

    def encode(self, group: Group, value: Any) -> tuple[int, ...]:
        """Return the codes of an element's cells."""
        cells, kind = group.cells, group.type
        if value == UNINITIALISED:
            return (cells.unset,) * cells.count
        match kind:
            case None:
                return (group.codes.index(value) if group.codes else value,)
            case ListOf(element=element):
                found = [self._code(element, v, cells) for v in value]
                return tuple(found + [0] * (cells.count - len(found)))
            case ArrayOf(element=element):
                return tuple(self._fitting(group, self._code(element, v, cells)) for v in value)
            case Counter():
                return tuple(self._fitting(group, v - cells.low) for v in value)
            case SetOf() if cells.count > 1:
                mask = self._code(kind, value, cells)
                return tuple(mask >> CHUNK * i & (1 << CHUNK) - 1 for i in range(cells.count))
            case _:
                return (self._fitting(group, self._code(kind, value, cells)),)

    def _fitting(self, group: Group, code: int) -> int:
        top = 1 << group.cells.width
        if not 0 <= code < top or code == group.cells.unset:
            raise Narrow(group.key)
        return code

    def _code(self, kind: Type, value: Any, cells: Cells) -> int:
        match kind:
            case Ref(kind=name) if self.stride(name) == 1:
                return int(value >> 1)
            case SetOf(element=Ref(kind=name)) if self.stride(name) == 1:
                return sum((value >> 2 * i & 1) << i for i in range(self.layout.pool(name)))
            case Int():
                return int(value) - cells.low
            case _:
                return int(value)

    def decode(self, group: Group, codes: tuple[int, ...]) -> Any:
        """Return the element whose cells have these codes."""
        cells, kind = group.cells, group.type
        if cells.unset >= 0 and codes[0] == cells.unset:
            return UNINITIALISED
        match kind:
            case None:
                return group.codes[codes[0]] if group.codes else codes[0]
            case ListOf(element=element):
                return tuple(self._value(element, c, cells) for c in codes if c)
            case ArrayOf(element=element):
                return tuple(self._value(element, c, cells) for c in codes)
            case Counter():
                return tuple(c + cells.low for c in codes)
            case SetOf() if cells.count > 1:
                mask = sum(c << CHUNK * i for i, c in enumerate(codes))
                return self._value(kind, mask, cells)
            case _:
                return self._value(kind, codes[0], cells)

    def _value(self, kind: Type, code: int, cells: Cells) -> Any:
        match kind:
            case Ref(kind=name) if self.stride(name) == 1:
                return code << 1
            case SetOf(element=Ref(kind=name)) if self.stride(name) == 1:
                return sum((code >> i & 1) << 2 * i for i in range(self.layout.pool(name)))
            case Int():
                return code + cells.low
            case _:
                return code


class Narrow(Exception):  # noqa: N818
    """A value does not fit its cell: the group needs wider ones."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key
