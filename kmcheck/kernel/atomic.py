"""Atomic counters.

Semantics: each operation is one step, and a marked access. Those that return a value are full
barriers and the others order nothing; memory is sequentially consistent here, so that is not seen.
A counter goes from -32,768 to 32,767. For what is freed at zero, use `refcount`, which reports
more.

Kernel: `include/linux/atomic/atomic-instrumented.h`, `Documentation/atomic_t.txt`, v6.12.

Misuse reported: `range` (a counter that overflows, which the kernel does without a word).
"""

from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Object,
    add_return,
    atomic,
    cmpxchg,
    fetch_add,
    xchg,
)


class Atomic(Object):
    """`atomic_t`."""

    counter: int


def atomic_read(v: Atomic) -> int:
    """Return the value."""
    return READ_ONCE(v.counter)


def atomic_set(v: Atomic, i: int) -> None:
    """Set the value."""
    WRITE_ONCE(v.counter, i)


def atomic_add(i: int, v: Atomic) -> None:
    """Add."""
    fetch_add(v.counter, i)


def atomic_sub(i: int, v: Atomic) -> None:
    """Subtract."""
    fetch_add(v.counter, -i)


def atomic_inc(v: Atomic) -> None:
    """Add one."""
    fetch_add(v.counter, 1)


def atomic_dec(v: Atomic) -> None:
    """Subtract one."""
    fetch_add(v.counter, -1)


def atomic_add_return(i: int, v: Atomic) -> int:
    """Add, and return what it is then."""
    return add_return(v.counter, i)


def atomic_sub_return(i: int, v: Atomic) -> int:
    """Subtract, and return what it is then."""
    return add_return(v.counter, -i)


def atomic_inc_return(v: Atomic) -> int:
    """Add one, and return what it is then."""
    return add_return(v.counter, 1)


def atomic_dec_return(v: Atomic) -> int:
    """Subtract one, and return what it is then."""
    return add_return(v.counter, -1)


def atomic_fetch_add(i: int, v: Atomic) -> int:
    """Add, and return what it was."""
    return fetch_add(v.counter, i)


def atomic_sub_and_test(i: int, v: Atomic) -> bool:
    """Subtract; tell whether it is zero then."""
    return add_return(v.counter, -i) == 0


def atomic_inc_and_test(v: Atomic) -> bool:
    """Add one; tell whether it is zero then."""
    return add_return(v.counter, 1) == 0


def atomic_dec_and_test(v: Atomic) -> bool:
    """Subtract one; tell whether it is zero then."""
    return add_return(v.counter, -1) == 0


def atomic_xchg(v: Atomic, new: int) -> int:
    """Set the value, and return what it was."""
    return xchg(v.counter, new)


def atomic_cmpxchg(v: Atomic, old: int, new: int) -> int:
    """Set the value if it is `old`; return what it was."""
    return cmpxchg(v.counter, old, new)


def atomic_add_unless(v: Atomic, a: int, u: int) -> bool:
    """Add unless the value is `u`; tell whether it was done."""
    with atomic("added, unless it is a certain value"):
        done = READ_ONCE(v.counter) != u
        if done:
            WRITE_ONCE(v.counter, v.counter + a)
    return done


def atomic_inc_not_zero(v: Atomic) -> bool:
    """Add one unless the value is zero; tell whether it was done."""
    return atomic_add_unless(v, 1, 0)


def atomic_dec_if_positive(v: Atomic) -> int:
    """Subtract one unless that made it negative; return what it is then, or would be."""
    with atomic("one less, unless that is negative"):
        left = READ_ONCE(v.counter) - 1
        if left >= 0:
            WRITE_ONCE(v.counter, left)
    return left
