"""IDs that lead to objects, and are used again when given back.

Semantics: an IDR is two fields of an object, because what the slots hold is the spec's own class:
`idr: Idr` and `slots: Annotated[ArrayOf[Ref[Memcg]], 4]`, as many slots as there are ids. Changes
are not atomic: idr_alloc() and idr_remove() take two steps, and the caller has a lock for them.
idr_alloc() gives out the lowest free id from `start` on, so an id that was given back is used again
at once; idr_alloc_cyclic() the next one behind the last, as long as there is one. An id allocated
with NULL is taken and leads nowhere until idr_replace(). idr_find() is one load, without a lock.

Kernel: `include/linux/idr.h`, `lib/idr.c`, v6.12.

Misuse reported: `guard-violation` (two change an IDR at once), `stale-index` (idr_remove() or
idr_replace() of an id that is not allocated any more, which may be another's next time; the kernel
does not always say so; and idr_find_same(), which is idr_find() with the object that the caller
means, where the id leads to another one by now), `range` (an id behind the last slot).
"""

from kmcheck.lang import (
    READ_ONCE,
    Annotated,
    ArrayOf,
    O,
    Object,
    Process,
    Ref,
    SetOf,
    atomic,
    check,
    is_alive,
    macro,
    me,
)


class Idr(Object):
    """`struct idr`, without its slots."""

    taken: SetOf[Annotated[int, range(64)]]
    next: Annotated[int, range(65)]  # where idr_alloc_cyclic() begins to look
    changing: Process | None  # who is between the steps of a change


def idr_change(idr: Idr) -> None:
    """Begin a change, which nobody else may do meanwhile."""
    check(idr.changing is None, "guard-violation", "two change an IDR at once: it needs a lock")
    idr.changing = me()


def idr_changed(idr: Idr) -> None:
    """End a change."""
    idr.changing = None


@macro
def idr_alloc(idr: Idr, slots: ArrayOf[Ref[O]], ptr: O | None, start: int) -> int:
    """Allocate the lowest free id from `start` on for an object; return it, or -1 if none is."""
    with atomic("free id found"):
        idr_change(idr)
        found = -1
        for index in range(len(slots)):
            if found < 0 and index >= start and index not in idr.taken:
                found = index
    with atomic("id allocated"):
        idr_changed(idr)
        if found >= 0:
            idr.taken.add(found)
            slots[found] = ptr
    return found


@macro
def idr_alloc_cyclic(idr: Idr, slots: ArrayOf[Ref[O]], ptr: O | None, start: int) -> int:
    """Allocate the next free id behind the last one; return it, or -1 if none is free."""
    with atomic("free id found"):
        idr_change(idr)
        found = -1
        again = -1
        for index in range(len(slots)):
            if index >= start and index not in idr.taken:
                if found < 0 and index >= idr.next:
                    found = index
                if again < 0:
                    again = index
        if found < 0:
            found = again
    with atomic("id allocated"):
        idr_changed(idr)
        if found >= 0:
            idr.taken.add(found)
            idr.next = found + 1
            slots[found] = ptr
    return found


@macro
def idr_find(slots: ArrayOf[Ref[O]], id: int) -> O:
    """Return the object that an id leads to, or NULL."""
    found = READ_ONCE(slots[id])
    return found


@macro
def idr_find_same(slots: ArrayOf[Ref[O]], id: int, meant: O) -> O:
    """Return the object that an id leads to, which is to be the one that the caller means."""
    with atomic("looked up"):
        found = slots[id]
        check(
            found is None or (found == meant and is_alive(meant)),
            "stale-index",
            "the id leads to another object: it was given back and used again",
        )
    return found


@macro
def idr_replace(idr: Idr, slots: ArrayOf[Ref[O]], ptr: O | None, id: int) -> O:
    """Have an id lead to another object; return the one that it led to."""
    with atomic("id leads to another object"):
        check(idr.changing is None, "guard-violation", "two change an IDR at once: it needs a lock")
        check(id in idr.taken, "stale-index", "idr_replace() of an id that is not allocated")
        old = slots[id]
        slots[id] = ptr
    return old


@macro
def idr_remove(idr: Idr, slots: ArrayOf[Ref[O]], id: int) -> O:
    """Give an id back; return the object that it led to."""
    with atomic("id looked for"):
        idr_change(idr)
        check(id in idr.taken, "stale-index", "idr_remove() of an id that is not allocated")
    with atomic("id given back"):
        idr_changed(idr)
        idr.taken.remove(id)
        old = slots[id]
        slots[id] = None
    return old
