"""Where a state is in a Promela model: one global array, in the layout's order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmcheck.diagnostics import InternalError, UsageError
from kmcheck.ir.layout import UNINITIALISED as UNINITIALISED_SLOT
from kmcheck.ir.layout import Layout
from kmcheck.ir.program import Program
from kmcheck.ir.types import ArrayOf, Counter, Int, ListOf, Ref, SetOf, Size, Type, show

UNINITIALISED = -(2**30)
"""What stands in 32 bits for a slot without a value: its low bits are zero, as in kmcheck."""

MOST_BITS = 30
"""Members that a set may have: a set is a bit mask in a Promela int."""

LARGEST = 2**30
"""Integers beyond this do not fit into a Promela int with room to compute."""

RESERVED = ("c_code", "c_decl", "c_expr", "c_state", "c_track", "d_step", "pc_value")
"""Words of Promela's that a name made of two could be."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Consecutive slots, all of one type, each `width` numbers wide."""

    name: str
    type: Type | None
    slot: int
    count: int
    width: int
    base: int
    """Where the first one is in the model's array."""

    @property
    def length(self) -> int:
        """How many numbers there are."""
        return self.count * self.width


@dataclass(frozen=True, slots=True)
class Sequence:
    """The elements of a list or an array: `length` numbers of an array from `base` on."""

    array: str
    base: str
    length: int

    def at(self, index: int | str) -> str:
        """Return the element at an index."""
        return f"{self.array}({self.base} + {index})"


class Memory:
    """The array of a model that holds the state, in the order of the layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.arrays: list[Cells] = []
        self.length = 0
        """How many numbers a state has."""
        self.names = set(RESERVED)
        self.positions: dict[str, Cells] = {}
        self.variables: dict[tuple[str, str], Cells] = {}
        self.lives: dict[str, Cells] = {}
        self.fields: dict[tuple[str, str], Cells] = {}
        _refuse_sizes(layout.program)
        templates = {n: t for n, t in layout.program.templates.items() if t.role != "setup"}
        for name in templates:
            count = layout.instances(name)
            self.positions[name] = self._place(f"pc_{name}", None, layout.pc[name], count)
        for name, template in templates.items():
            for var, kind in template.variables.items():
                slot, count = layout.variables[name, var], layout.instances(name)
                self.variables[name, var] = self._place(f"{name}_{var}", kind, slot, count)
        for name in layout.program.kinds:
            count = layout.dynamic(name).count
            self.lives[name] = self._place(f"life_{name}", None, layout.life[name], count)
        for kind_name, declared in layout.program.kinds.items():
            for field, info in declared.fields.items():
                slot, count = layout.fields[kind_name, field], layout.pool(kind_name)
                place = self._place(f"{kind_name}_{field}", info.type, slot, count)
                self.fields[kind_name, field] = place

    def _place(self, name: str, kind: Type | None, slot: int, count: int) -> Cells:
        cells = Cells(self._unique(name), kind, slot, count, self.width(kind), self.length)
        self.arrays.append(cells)
        self.length += cells.length
        return cells

    def _unique(self, name: str) -> str:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        found, number = plain, 1
        while found in self.names:
            number += 1
            found = f"{plain}_{number}"
        self.names |= {found, f"old_{found}"}
        return found

    def width(self, kind: Type | None) -> int:
        """Return how many numbers a value of a type takes."""
        match kind:
            case ListOf(element=Ref(kind=name)):
                return max(1, self.layout.pool(name))
            case ArrayOf(length=length):
                return length
            case _:
                return 1

    def bits(self, element: Type) -> int:
        """Return how many bits a set has.

        Raises:
            UsageError: it does not fit into a number.
        """
        found = self.layout.universe(element)
        if found > MOST_BITS:
            title = f"a set has {found} possible members: Promela's int has room for {MOST_BITS}"
            raise UsageError(title, "lower the bounds")
        return found

    def zeros(self, kind: Type | None) -> list[int]:
        """Return what an element of a type holds as long as nothing was stored in it."""
        value = self.layout.zero(kind)
        return self.numbers(kind, value)

    def numbers(self, kind: Type | None, value: int | tuple[int, ...]) -> list[int]:
        """Return a value of a slot as the numbers that stand for it, lists padded with zeros."""
        values = value if isinstance(value, tuple) else (value,)
        plain = [UNINITIALISED if v == UNINITIALISED_SLOT else int(v) for v in values]
        return plain + [0] * (self.width(kind) - len(plain))

    def initial(self, state: tuple[int | tuple[int, ...], ...]) -> list[str]:
        """Return the assignments that make a state of one in which all is zero."""
        found = []
        for cells in self.arrays:
            for i in range(cells.count):
                numbers = self.numbers(cells.type, state[cells.slot + i])
                for j, number in enumerate(numbers):
                    if number:
                        found.append(f"{cells.name}({i * cells.width + j}) = {number};")
        return found

    def declarations(self) -> list[str]:
        """Return the declarations of the state and of the copy that a step begins with."""
        sizes = [f"#define STATE {self.length}", "int state[STATE], old[STATE];", ""]
        names = [(c.name, c.base) for c in self.arrays]
        now = [f"#define {name}(i) state[{base} + (i)]" for name, base in names]
        return [*sizes, *now, *[f"#define old_{name}(i) old[{base} + (i)]" for name, base in names]]


def element_of(kind: Type) -> Type:
    """Return the type of the members of a set, a list or an array."""
    match kind:
        case SetOf(element=element) | ListOf(element=element) | ArrayOf(element=element):
            return element
        case _:
            raise InternalError(f"{show(kind)} has no members")


def _refuse_sizes(program: Program) -> None:
    declared = [
        *((f"{k.name}.{f}", i.type) for k in program.kinds.values() for f, i in k.fields.items()),
        *((v, t) for p in program.templates.values() for v, t in p.variables.items()),
    ]
    for name, kind in declared:
        if isinstance(kind, (Size, Counter)):
            title = f"`{name}` is a {type(kind).__name__}: Promela knows no symbols"
            raise UsageError(title, "export a spec without sizes and counters")
        if isinstance(kind, Int) and not -LARGEST <= kind.lo <= kind.hi <= LARGEST:
            title = f"`{name}` does not fit into Promela's int"
            raise UsageError(title, "give it a smaller range")
