"""What a permutation of things makes of a state: values move, and what they name is renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.ir.symmetry import Name, Symmetry, names_of, slots_of
from kmcheck.ir.types import (
    ArrayOf,
    Counter,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Size,
    Type,
    first_code,
)
from kmcheck.semantics.machine import State
from kmcheck.semantics.operations import members

Permutation = Sequence[Sequence[int]]
"""For each sort, for each member, which member's place it takes."""

Tag = tuple[int, ...]
"""How a value names something: at which place of it, stale or not, with which coefficient."""


def mentioned(kind: Type | None, value: Any) -> Iterator[tuple[Tag, Name]]:
    """Yield what a value names, and how."""
    if value == UNINITIALISED:
        return
    match kind:
        case Ref(kind=name) if value:
            yield (value & 1,), Name("object", name, (value >> 1) - 1)
        case ProcessId() if value:
            yield (0,), Name("process", "", value - 1)
        case Size() if value:
            yield (0,), Name("symbol", "", value)
        case SetOf(element=element):
            for member in members(value, first_code(element)):
                yield from mentioned(element, member)
        case ListOf(element=element) | ArrayOf(element=element):
            for place, item in enumerate(value):
                for tag, named in mentioned(element, item):
                    yield (place, *tag), named
        case Counter():
            for symbol, coefficient in enumerate(value[1:], start=1):
                if coefficient:
                    yield (coefficient,), Name("symbol", "", symbol)


def names_things(kind: Type | None) -> bool:
    """Tell whether values of a type name things, and nothing else matters of them."""
    match kind:
        case Ref() | ProcessId() | Size() | Counter():
            return True
        case SetOf(element=element) | ListOf(element=element) | ArrayOf(element=element):
            return names_things(element)
        case _:
            return False


class Renaming:
    """One permutation, ready to be applied to states."""

    def __init__(self, layout: Layout, symmetry: Symmetry, permutation: Permutation) -> None:
        self.names: dict[Name, Name] = {}
        target = list(range(layout.size))
        for sort, places in zip(symmetry.sorts, permutation, strict=True):
            for member, place in zip(sort.members, places, strict=True):
                other = sort.members[place]
                for here, there in zip(
                    slots_of(layout, member), slots_of(layout, other), strict=True
                ):
                    target[here] = there
                self.names |= zip(names_of(layout, member), names_of(layout, other), strict=True)
        self.symbols = list(range(layout.symbols + 1))
        for old, new in self.names.items():
            if old.what == "symbol":
                self.symbols[old.number] = new.number
        kinds: dict[Type | None, Callable[[Any], Any] | None] = {}
        self.changes: list[tuple[int, int, Callable[[Any], Any] | None]] = []
        for slot, there in enumerate(target):
            kind = layout.types[slot]
            if kind not in kinds:
                kinds[kind] = self._value(kind) if names_things(kind) else None
            if there != slot or kinds[kind] is not None:
                self.changes.append((slot, there, kinds[kind]))

    def of(self, state: State) -> State:
        """Return the state in which every thing has taken its place."""
        after = list(state)
        for here, there, rename in self.changes:
            value = state[here]
            after[there] = value if rename is None else rename(value)
        return tuple(after)

    def _value(self, kind: Type | None) -> Callable[[Any], Any]:
        """Return what renames the values of a type."""
        known: dict[Any, Any] = {}

        def renamed(value: Any) -> Any:
            if value not in known:
                known[value] = value if value == UNINITIALISED else self._renamed(kind, value)
            return known[value]

        return renamed

    def _renamed(self, kind: Type | None, value: Any) -> Any:
        match kind:
            case Ref(kind=name) if value:
                old = Name("object", name, (value >> 1) - 1)
                return 2 * (self.names.get(old, old).number + 1) | value & 1
            case ProcessId() if value:
                old = Name("process", "", value - 1)
                return self.names.get(old, old).number + 1
            case Size():
                return self.symbols[value]
            case SetOf(element=element):
                first = first_code(element)
                return sum(1 << self._renamed(element, v) - first for v in members(value, first))
            case ListOf(element=element) | ArrayOf(element=element):
                return tuple(self._renamed(element, v) for v in value)
            case Counter():
                form = list(value)
                for symbol, place in enumerate(self.symbols):
                    form[place] = value[symbol]
                return tuple(form)
            case _:
                return value
