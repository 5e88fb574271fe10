"""The lives of objects: slots, sizes, and what becomes of addresses.

A new object may get any free slot. Those that no dangling address names are all alike, so the
lowest stands for them; one that is still named makes a difference (ABA), so each is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kmcheck.diagnostics import Span
from kmcheck.ir.code import Alloc, Free
from kmcheck.ir.layout import UNINITIALISED, Layout, holds_references
from kmcheck.ir.types import Counter, Ref, SetOf, Size, Type
from kmcheck.semantics.addresses import Meaning, index_of
from kmcheck.semantics.faults import BoundReached, Fault
from kmcheck.semantics.oracle import Oracle
from kmcheck.semantics.watch import Watcher

Run = Callable[[list[Any], int], None]
"""What an instruction does to a state, for an instance of the template it stands in."""


class Lifetimes:
    """Allocates and frees."""

    def __init__(self, layout: Layout, oracle: Oracle, watcher: Watcher | None) -> None:
        self.layout = layout
        self.oracle = oracle
        self.watcher = watcher
        self.dangling = any(
            isinstance(instruction, Free)
            for template in layout.program.templates.values()
            for block in template.blocks
            for instruction in block.instructions
        )
        """Whether an address can dangle at all: where nothing is freed, none does."""
        self.ghosts = {
            layout.fields[kind, name] + i
            for kind, declared in layout.program.kinds.items()
            for name, info in declared.fields.items()
            if info.ghost
            for i in range(layout.pool(kind))
        }

    def alloc(self, template: str, instruction: Alloc) -> Run:
        """Return what gives an object a slot and blanks its fields."""
        kind, span = instruction.kind, instruction.span
        group, life = self.layout.dynamic(kind), self.layout.life[kind]
        slot = self.layout.variables[template, instruction.var]
        mark = 2 if template == "setup" else 1
        parts = [self._blank_fields(kind, group.base + i, instruction) for i in range(group.count)]
        fresh_symbol = self._fresh_symbol(self._slots(template), kind, span)
        named = [self._named(kind, group.base + i, template) for i in range(group.count)]
        oracle, watcher, dangling = self.oracle, self.watcher, self.dangling

        def alloc(s: list[Any], p: int) -> None:
            free = [i for i in range(group.count) if not s[life + i]]
            if not free:
                raise BoundReached(kind, span)
            if not dangling:
                del free[1:]
            elif len(free) > 1:
                alike = next((i for i in free if not named[i](s)), None)
                free = [i for i in free if i == alike or named[i](s)]
            i = free[oracle.pick(len(free))]
            s[life + i] = mark
            for at, value, symbol in parts[i]:
                s[at] = fresh_symbol(s) if symbol else value
            s[slot + p] = 2 * (group.base + i + 1)
            if watcher is not None:
                watcher.allocated(kind, group.base + i, instruction)

        return alloc

    def _blank_fields(
        self, kind: str, index: int, instruction: Alloc
    ) -> list[tuple[int, Any, bool]]:
        blank = []
        for part, at in self.layout.parts(kind, index):
            for name, info in self.layout.program.kinds[part].fields.items():
                slot = self.layout.fields[part, name] + at
                value = self.layout.zero(info.type)
                if not instruction.zeroed and not info.ghost and part == kind:
                    value = UNINITIALISED
                blank.append((slot, value, isinstance(info.type, Size)))
        return blank

    def _named(self, kind: str, index: int, template: str) -> Callable[[list[Any]], bool]:
        """Return what tells whether a dangling address names a slot, or what is embedded there."""
        slots = self._slots(template)
        tests = [
            _dangles(slot, declared, 2 * (at + 1))
            for part, at in self.layout.parts(kind, index)
            for slot, declared in enumerate(slots)
            if slot not in self.ghosts and holds_references(declared, part)
        ]
        return lambda s: any(test(s) for test in tests)

    def _slots(self, template: str) -> list[Type | None]:
        """Return the types of a state's slots while a template runs: setup has more, its own."""
        return self.layout.types[: None if template == "setup" else self.layout.size]

    def _fresh_symbol(
        self, slots: list[Type | None], kind: str, span: Span
    ) -> Callable[[list[Any]], int]:
        """Return what finds a symbol that nothing in a state mentions."""
        sizes = [i for i, t in enumerate(slots) if isinstance(t, Size)]
        counters = [i for i, t in enumerate(slots) if isinstance(t, Counter)]

        def find(s: list[Any]) -> int:
            used = {s[i] for i in sizes}
            forms = [s[i] for i in counters if s[i] != UNINITIALISED]
            for symbol in range(1, self.layout.symbols + 1):
                if symbol not in used and not any(form[symbol] for form in forms):
                    return symbol
            raise BoundReached(f"the sizes of {kind}", span)

        return find

    def free(self, template: str, ref: Meaning, instruction: Free) -> Run:
        """Return what ends an object's life and makes every copy of its address stale."""
        kind, span = instruction.kind, instruction.span
        slots = self._slots(template)
        ending = [self._ending(kind, i, slots) for i in range(self.layout.pool(kind))]
        watcher = self.watcher

        def free(s: list[Any], p: int) -> None:
            v = ref(s, p)
            if v > 0 and v & 1:
                thing = (kind, (v >> 1) - 1)
                raise Fault("double-free", f"{kind} is freed a second time", span, thing)
            index = index_of(v, span, kind, "freed")
            life, stale, blank = ending[index]
            if life is None:
                raise Fault(
                    "bad-free",
                    f"this {kind} was not allocated: it cannot be freed",
                    span,
                    (kind, index),
                )
            for change in stale:
                change(s)
            for slot, value in blank:
                s[slot] = value
            s[life] = 0
            if watcher is not None:
                watcher.freed(kind, index, instruction)

        return free

    def _ending(
        self, kind: str, index: int, slots: list[Type | None]
    ) -> tuple[int | None, list[Callable[[list[Any]], None]], list[Any]]:
        """Return what a free does: the life that ends, what makes addresses stale, the blanks."""
        group = self.layout.dynamic(kind)
        if not group.base <= index < group.base + group.count:
            return None, [], []
        stale, blank = [], []
        for part, at in self.layout.parts(kind, index):
            for name, info in self.layout.program.kinds[part].fields.items():
                blank.append((self.layout.fields[part, name] + at, self.layout.zero(info.type)))
            stale += [
                _staler(slot, declared, 2 * (at + 1))
                for slot, declared in enumerate(slots)
                if holds_references(declared, part)
            ]
        return self.layout.life[kind] + index - group.base, stale, blank


def _dangles(slot: int, kind: Type | None, address: int) -> Callable[[list[Any]], bool]:
    """Return what tells whether a slot holds a dangling copy of an address."""
    if isinstance(kind, Ref):
        return lambda s: bool(s[slot] == address | 1)
    if isinstance(kind, SetOf):
        return lambda s: s[slot] != UNINITIALISED and s[slot] >> (address - 1) & 1 == 1
    return lambda s: s[slot] != UNINITIALISED and address | 1 in s[slot]


def _staler(slot: int, kind: Type | None, address: int) -> Callable[[list[Any]], None]:
    """Return what makes every copy of an address in a slot stale."""

    def scalar(s: list[Any]) -> None:
        if s[slot] == address:
            s[slot] = address | 1

    def mask(s: list[Any]) -> None:
        bit = 1 << (address - 2)
        if s[slot] != UNINITIALISED and s[slot] & bit:
            s[slot] = s[slot] & ~bit | bit << 1

    def sequence(s: list[Any]) -> None:
        if s[slot] != UNINITIALISED and address in s[slot]:
            s[slot] = tuple(v | 1 if v == address else v for v in s[slot])

    if isinstance(kind, Ref):
        return scalar
    return mask if isinstance(kind, SetOf) else sequence
