"""Lists and arrays in code."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.emit import I1, I64, Value, i64
from kmcheck.engines.native.sets import Sets
from kmcheck.ir.types import Ref

Array = tuple[Value, ...]


class Lists(Sets):
    """Writes the operations on lists: places of some bits each, zero behind the last."""

    def list_code(self, element: Ref, value: Value) -> Value:
        """Return what stands for an address in a list."""
        stale = self.shapes.stale(element)
        return value if stale else self.builder.lshr(value, i64(1))

    def place(self, element: Ref, items: Value, at: int) -> Value:
        """Return the address at a place of a list, null behind its end."""
        width, b = self.shapes.code_width(element), self.builder
        if (at + 1) * width > items.type.width:
            return i64(0)
        code = b.lshr(items, ir.Constant(items.type, at * width)) if at else items
        code = b.and_(self.sized(code, I64), i64((1 << width) - 1))
        return code if self.shapes.stale(element) else b.shl(code, i64(1))

    def places(self, element: Ref) -> int:
        """Return how many places a list has."""
        return self.layout.pool(element.kind)

    def _is(self, item: Value, member: Value) -> Value:
        b = self.builder
        same = b.icmp_unsigned("==", b.or_(item, i64(1)), b.or_(member, i64(1)))
        return b.and_(same, self.truth(item))

    def list_has(self, element: Ref, items: Value, member: Value) -> Value:
        """Return whether an address is on a list."""
        found: Value = ir.Constant(I1, 0)
        for at in range(self.places(element)):
            there = self._is(self.place(element, items, at), member)
            found = self.builder.or_(found, there)
        return found

    def list_length(self, element: Ref, items: Value) -> Value:
        """Return how many are on a list."""
        length: Value = i64(0)
        for at in range(self.places(element)):
            there = self.wide(self.truth(self.place(element, items, at)))
            length = self.builder.add(length, there)
        return length

    def list_add(self, element: Ref, items: Value, member: Value, *, head: bool) -> Value:
        """Return a list with one more; null, and what is on it already, corrupt it."""
        b = self.builder
        corrupt = self.faults.violation("list-corruption")
        self.fail_if(b.not_(self.truth(member)), corrupt)
        self.touch(element, member)
        self.fail_if(self.list_has(element, items, member), corrupt)
        self.touch(element, self.place(element, items, 0) if head else self.last(element, items))
        return self.linked(element, items, member, head=head)

    def touch(self, element: Ref, *linked: Value) -> None:
        """Fail if one of these was freed: its links are read or written."""
        if not self.shapes.stale(element):
            return
        for member in linked:
            stale = self.truth(self.builder.and_(member, i64(1)))
            self.fail_if(stale, self.faults.violation("use-after-free"))

    def last(self, element: Ref, items: Value) -> Value:
        """Return the last on a list, null if it is empty."""
        found: Value = i64(0)
        for at in range(self.places(element)):
            item = self.place(element, items, at)
            found = self.builder.select(self.truth(item), item, found)
        return found

    def linked(self, element: Ref, items: Value, member: Value, *, head: bool) -> Value:
        """Return a list with one more, which is not on it."""
        b, width = self.builder, self.shapes.code_width(element)
        code = self.sized(self.list_code(element, member), items.type)
        if head:
            return (
                b.or_(b.shl(items, ir.Constant(items.type, width)), code)
                if self.places(element) > 1
                else code
            )
        by = b.mul(self.list_length(element, items), i64(width))
        return b.or_(items, b.shl(code, self.sized(by, items.type)))

    def position(self, element: Ref, items: Value, member: Value) -> Value:
        """Return where an address is on a list; it is corrupt if it is not."""
        b = self.builder
        found: Value = i64(-1)
        for at in reversed(range(self.places(element))):
            there = self._is(self.place(element, items, at), member)
            found = b.select(there, i64(at), found)
        missing = b.icmp_signed("<", found, i64(0))
        self.fail_if(missing, self.faults.violation("list-corruption"))
        return found

    def list_after(self, element: Ref, items: Value, member: Value) -> Value:
        """Return who comes after an address on a list, null for the last."""
        b = self.builder
        self.touch(element, member)
        where = self.position(element, items, member)
        found: Value = i64(0)
        for at in range(1, self.places(element)):
            here = b.icmp_unsigned("==", where, i64(at - 1))
            found = b.select(here, self.place(element, items, at), found)
        return found

    def list_remove(self, element: Ref, items: Value, member: Value) -> Value:
        """Return a list without an address."""
        b, width, kind = self.builder, self.shapes.code_width(element), items.type
        self.touch(element, member)
        where = self.position(element, items, member)
        for by in (-1, 1):
            beside: Value = i64(0)
            for at in range(self.places(element)):
                here = b.icmp_signed("==", b.add(where, i64(by)), i64(at))
                beside = b.select(here, self.place(element, items, at), beside)
            self.touch(element, beside)
        found: Value = items
        for at in range(self.places(element)):
            low = ir.Constant(kind, (1 << at * width) - 1)
            kept = b.and_(items, low)
            rest = self._behind(element, items)
            moved = b.or_(kept, b.and_(rest, b.not_(low)))
            found = b.select(b.icmp_unsigned("==", where, i64(at)), moved, found)
        return found

    def rest(self, element: Ref, items: Value) -> Value:
        """Return a list without its first."""
        self.touch(element, *(self.place(element, items, at) for at in range(2)))
        return self._behind(element, items)

    def _behind(self, element: Ref, items: Value) -> Value:
        if self.places(element) <= 1:
            return ir.Constant(items.type, 0)
        width = ir.Constant(items.type, self.shapes.code_width(element))
        return self.builder.lshr(items, width)

    def list_concat(self, element: Ref, items: Value, others: Value) -> Value:
        """Return a list with all of another behind it."""
        b, corrupt = self.builder, self.faults.violation("list-corruption")
        result = self.variable(items.type)
        b.store(items, result)
        first = self.place(element, others, 0)
        with b.if_then(self.truth(first)):
            self.touch(element, self.last(element, items), first, self.last(element, others))
        for at in range(self.places(element)):
            member = self.place(element, others, at)
            with b.if_then(self.truth(member)):
                self.fail_if(self.list_has(element, b.load(result), member), corrupt)
                added = self.linked(element, b.load(result), member, head=False)
                b.store(added, result)
        return b.load(result)

    # --- arrays --------------------------------------------------------------------------------

    def array_get(self, items: Array, index: Value) -> Value:
        """Return an element of an array; an index outside is a violation."""
        self._inside(items, index)
        found = items[0]
        for at, item in enumerate(items[1:], start=1):
            here = self.builder.icmp_unsigned("==", index, i64(at))
            found = self.builder.select(here, item, found)
        return found

    def inside(self, items: Array, index: Value) -> None:
        """Fail for an index that is outside of an array."""
        self._inside(items, index)

    def _inside(self, items: Array, index: Value) -> None:
        outside = self.builder.icmp_unsigned(">=", index, i64(len(items)))
        self.fail_if(outside, self.faults.violation("range"))

    def array_set(self, items: Array, index: Value, new: Value) -> Array:
        """Return an array with one element changed; the index is inside."""
        b = self.builder
        return tuple(
            b.select(b.icmp_unsigned("==", index, i64(at)), new, item)
            for at, item in enumerate(items)
        )
