"""Allocation and free in code: slots, sizes, and what becomes of addresses."""

from __future__ import annotations

from collections.abc import Iterator

from llvmlite import ir

from kmcheck.engines.native.cells import Index
from kmcheck.engines.native.context import GIVEN, MOST_CHOICES, PLAN, TAKEN
from kmcheck.engines.native.emit import BOUND, CHOICES, I1, I64, Value, i64
from kmcheck.engines.native.packing import Group
from kmcheck.engines.native.surveys import Surveys
from kmcheck.engines.native.touched import pointed
from kmcheck.ir.code import Alloc, Free
from kmcheck.ir.layout import holds_references
from kmcheck.ir.types import ArrayOf, Counter, ListOf, Ref, SetOf, Size, Type


class Lifetimes(Surveys):
    """Writes choices, allocations and frees."""

    def pick(self, width: Value) -> Value:
        """Return which of some options is tried this time; a single one is no choice."""
        b = self.builder

        def choose() -> Value:
            at = b.load(self.noted(TAKEN))
            self.refuse(b.icmp_unsigned(">=", at, i64(MOST_CHOICES)), CHOICES, 0)
            place = b.gep(self.context, [b.add(b.shl(at, i64(1)), i64(PLAN))])
            given = b.icmp_unsigned("<", at, b.load(self.noted(GIVEN)))
            taken = b.select(given, b.load(place), i64(0))
            b.store(taken, place)
            b.store(width, b.gep(place, [i64(1)]))
            b.store(b.add(at, i64(1)), self.noted(TAKEN))
            found: Value = taken
            return found

        several = b.icmp_unsigned("!=", width, i64(1))
        found: Value = self.either(several, choose, lambda: i64(0))
        return found

    def noted(self, number: int) -> Value:
        """Return a place of the context."""
        return self.builder.gep(self.context, [i64(number)])

    # --- allocation ----------------------------------------------------------------------------

    def alloc(self, instruction: Alloc, *, dangling: bool) -> Value:
        """Give an object a slot, blank its fields, and return its address."""
        b, kind = self.builder, instruction.kind
        pool = self.layout.dynamic(kind)
        life = self.packing.groups["life", kind, ""]
        shape = ir.IntType(max(1, pool.count))
        free: Value = ir.Constant(shape, 0)
        for i in range(pool.count):
            used = self.truth(self.code(life, i))
            bit = ir.Constant(shape, 1 << i)
            free = b.or_(free, b.select(used, ir.Constant(shape, 0), bit))
        self.refuse(self.is_empty(free), BOUND, self.faults.bound(kind))
        slot = self._slot(free, kind, dangling=dangling)
        self.put(life, slot, i64(1))
        for part, base in self.layout.parts(kind, pool.base):
            for name, info in self.layout.program.kinds[part].fields.items():
                group = self.packing.groups["field", part, name]
                at = b.add(slot, i64(base))
                if not instruction.zeroed and not info.ghost and part == kind:
                    self.unset(group, at)
                else:
                    self.write(group, at, self._blank(info.type, kind))
        return b.shl(b.add(slot, i64(pool.base + 1)), i64(1))

    def _blank(self, kind: Type, owner: str) -> Value:
        return self._fresh_symbol(owner) if isinstance(kind, Size) else self.shapes.zero(kind)

    def _slot(self, free: Value, kind: str, *, dangling: bool) -> Value:
        """Return the free slot that is tried: those that no dangling address names are alike."""
        b = self.builder
        if not dangling:
            return self.least(free)
        named = b.and_(free, self._named(kind, free.type))
        alike = b.and_(free, b.not_(named))
        one = b.and_(alike, b.neg(alike))
        options = b.or_(named, one)
        number = self.pick(self.count(options))
        left, at = self.variable(free.type), self.variable(I64)
        b.store(options, left)
        b.store(number, at)
        with self.loop() as out:
            n, rest = b.load(at), b.load(left)
            self.leave_if(b.icmp_unsigned("==", n, i64(0)), out)
            b.store(b.and_(rest, b.sub(rest, ir.Constant(free.type, 1))), left)
            b.store(b.sub(n, i64(1)), at)
        return self.least(b.load(left))

    def _named(self, kind: str, shape: ir.IntType) -> Value:
        """Return the slots that a dangling address names, or what is embedded there."""
        b, pool = self.builder, self.layout.dynamic(kind)
        named: Value = ir.Constant(shape, 0)
        for part, base in self.layout.parts(kind, pool.base):
            for group in self._holding(part):
                if group.key[0] == "field" and self._is_ghost(group):
                    continue
                for index in range(group.elements):
                    value = self.read(group, index)
                    unset = self.is_unset(group, index) if group.cells.unset >= 0 else None
                    for i in range(pool.count):
                        stale = self._mentions(group.type, value, 2 * (base + i + 1) + 1)
                        if unset is not None:
                            stale = b.and_(stale, b.not_(unset))
                        bit = ir.Constant(shape, 1 << i)
                        named = b.or_(named, b.select(stale, bit, ir.Constant(shape, 0)))
        return named

    def _is_ghost(self, group: Group) -> bool:
        _, kind, name = group.key
        return self.layout.program.kinds[kind].fields[name].ghost

    def _holding(self, kind: str) -> Iterator[Group]:
        for group in self.packing.groups.values():
            if pointed(group.type) == kind and holds_references(group.type, kind):
                yield group

    def _mentions(self, kind: Type | None, value: object, address: int) -> Value:
        """Return whether a value is, or holds, exactly this address."""
        b = self.builder
        match kind, value:
            case ArrayOf(element=element), tuple() as items:
                found: Value = ir.Constant(I1, 0)
                for item in items:
                    found = b.or_(found, self._mentions(element, item, address))
                return found
            case SetOf(), mask:
                bit = ir.Constant(mask.type, 1 << address - 2)  # type: ignore[attr-defined]
                return b.not_(self.is_empty(b.and_(mask, bit)))
            case ListOf(element=element), items:
                found = ir.Constant(I1, 0)
                for at in range(self.places(element)):
                    item = self.place(element, items, at)
                    found = b.or_(found, b.icmp_unsigned("==", item, i64(address)))
                return found
        return b.icmp_unsigned("==", value, i64(address))

    def _fresh_symbol(self, kind: str) -> Value:
        """Return a symbol that nothing mentions."""
        b = self.builder
        shape = ir.IntType(1 + self.layout.symbols)
        one, zero = ir.Constant(shape, 1), ir.Constant(shape, 0)
        used: Value = one
        for group in self.packing.groups.values():
            for index in range(group.elements):
                if isinstance(group.type, Size):
                    symbol = self.code(group, index)
                    used = b.or_(used, self.shifted(shape, 1, symbol))
                elif isinstance(group.type, Counter):
                    for at, lane in enumerate(self.lanes(self.read(group, index))):
                        there = b.icmp_signed("!=", lane, i64(0))
                        bit = ir.Constant(shape, 1 << at)
                        used = b.or_(used, b.select(there, bit, zero))
        free = b.not_(used)
        self.refuse(self.is_empty(free), BOUND, self.faults.bound(f"the sizes of {kind}"))
        return self.least(free)

    # --- free ----------------------------------------------------------------------------------

    def free(self, instruction: Free) -> None:
        """End an object's life: every copy of its address becomes stale."""
        b, kind = self.builder, instruction.kind
        address = self.of(instruction.ref)
        stale = b.and_(b.icmp_signed(">", address, i64(0)), self.truth(b.and_(address, i64(1))))
        self.fail_if(stale, self.faults.violation("double-free"))
        index = self.index_of(address)
        pool = self.layout.dynamic(kind)
        slot = b.sub(index, i64(pool.base))
        outside = b.icmp_unsigned(">=", slot, i64(pool.count))
        self.fail_if(outside, self.faults.violation("bad-free"))
        if not pool.count:
            return
        for part, base in self.layout.parts(kind, pool.base):
            at = b.add(slot, i64(base))
            for group in self._holding(part):
                self._every(group, lambda i, g=group, at=at: self._make_stale(g, i, at))
        for part, base in self.layout.parts(kind, pool.base):
            at = b.add(slot, i64(base))
            for name, info in self.layout.program.kinds[part].fields.items():
                group = self.packing.groups["field", part, name]
                self.write(group, at, self.shapes.zero(info.type))
        self.put(self.packing.groups["life", kind, ""], slot, i64(0))

    def _every(self, group: Group, change: object) -> None:
        assert callable(change)
        if group.elements <= 2:  # noqa: PLR2004 - what a loop would not make shorter
            for index in range(group.elements):
                change(index)
            return
        b, at = self.builder, self.variable(I64)
        b.store(i64(0), at)
        with self.loop() as out:
            i = b.load(at)
            self.leave_if(b.icmp_unsigned(">=", i, i64(group.elements)), out)
            change(i)
            b.store(b.add(i, i64(1)), at)

    def _make_stale(self, group: Group, index: Index, at: Value) -> None:
        """Make every copy of the address of object `at` in an element stale."""
        b = self.builder
        address = b.shl(b.add(at, i64(1)), i64(1))
        value = self.read(group, index)
        new = self._stale(group.type, value, address)
        if group.cells.unset < 0:
            self.write(group, index, new)
            return
        with b.if_then(b.not_(self.is_unset(group, index))):
            self.write(group, index, new)

    def _stale(self, kind: Type | None, value: object, address: Value) -> object:
        b = self.builder
        match kind, value:
            case ArrayOf(element=element), tuple() as items:
                return tuple(self._stale(element, item, address) for item in items)
            case SetOf(), mask:
                bit = self.shifted(mask.type, 1, b.sub(address, i64(2)))  # type: ignore[attr-defined]
                there = b.not_(self.is_empty(b.and_(mask, bit)))
                moved = b.or_(b.and_(mask, b.not_(bit)), b.shl(bit, ir.Constant(bit.type, 1)))
                return b.select(there, moved, mask)
            case ListOf(element=element), items:
                return self._stale_list(element, items, address)
        same = b.icmp_unsigned("==", value, address)
        return b.select(same, b.or_(value, i64(1)), value)

    def _stale_list(self, element: Ref, items: Value, address: Value) -> Value:
        b, width = self.builder, self.shapes.code_width(element)
        found = items
        for at in range(self.places(element)):
            same = b.icmp_unsigned("==", self.place(element, items, at), address)
            mark = ir.Constant(items.type, 1 << at * width)
            found = b.select(same, b.or_(found, mark), found)
        return found
