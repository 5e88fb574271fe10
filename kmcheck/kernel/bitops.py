"""Bits of a word: atomic operations on one bit, and those that are not atomic.

Semantics: a word of bits is a set, `flags: SetOf[Flag]`, of the members of an Enum or of small
numbers. set_bit(), clear_bit(), test_bit() and the test_and_ operations are one step each, and all
of them are marked accesses. set_bit() and clear_bit() order nothing, the test_and_ operations are
full barriers, clear_bit_unlock() releases and test_and_set_bit_lock() acquires; memory is
sequentially consistent here, so that is not seen. __set_bit() and __clear_bit() load the word and
store it, two steps: what others do to any bit of the word in between is lost.

Kernel: `include/linux/bitops.h`, `include/asm-generic/bitops/`, `Documentation/atomic_bitops.txt`,
v6.12.

Misuse reported: `lost-update` (__set_bit() or __clear_bit() while somebody else changes the word).
"""

from kmcheck.lang import WRITE_ONCE, SetOf, T, atomic, check, macro


@macro
def set_bit(nr: T, addr: SetOf[T]) -> None:
    """Set a bit; orders nothing."""
    addr.add(nr)


@macro
def clear_bit(nr: T, addr: SetOf[T]) -> None:
    """Clear a bit; orders nothing."""
    addr.discard(nr)


@macro
def clear_bit_unlock(nr: T, addr: SetOf[T]) -> None:
    """Clear a bit that was taken as a lock."""
    addr.discard(nr)


@macro
def test_bit(nr: T, addr: SetOf[T]) -> bool:
    """Tell whether a bit is set."""
    return nr in addr


@macro
def test_and_set_bit(nr: T, addr: SetOf[T]) -> bool:
    """Set a bit; tell whether it was set."""
    with atomic("bit set"):
        was = nr in addr
        addr.add(nr)
    return was


@macro
def test_and_set_bit_lock(nr: T, addr: SetOf[T]) -> bool:
    """Take a bit as a lock; tell whether somebody else has it."""
    return test_and_set_bit(nr, addr)


@macro
def test_and_clear_bit(nr: T, addr: SetOf[T]) -> bool:
    """Clear a bit; tell whether it was set."""
    with atomic("bit cleared"):
        was = nr in addr
        addr.discard(nr)
    return was


@macro
def __set_bit(nr: T, addr: SetOf[T]) -> None:
    """Set a bit of a word that nobody else changes meanwhile."""
    old = addr.copy()
    with atomic("word stored"):
        check(old == addr, "lost-update", "__set_bit() undoes what another process did to the word")
        old.add(nr)
        WRITE_ONCE(addr, old)


@macro
def __clear_bit(nr: T, addr: SetOf[T]) -> None:
    """Clear a bit of a word that nobody else changes meanwhile."""
    old = addr.copy()
    with atomic("word stored"):
        check(
            old == addr, "lost-update", "__clear_bit() undoes what another process did to the word"
        )
        old.discard(nr)
        WRITE_ONCE(addr, old)
