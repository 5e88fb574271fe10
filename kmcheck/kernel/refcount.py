"""Reference counts.

Semantics: each operation is one atomic step. A count goes up to 255. An object that its count lives
in may be freed at zero, or at one by the holder of that last reference.

Kernel: `include/linux/refcount.h`, `lib/refcount.c`, v6.12.

Misuse reported: `ref-resurrect` (refcount_inc() on zero: the object may be on its way to be
freed; refcount_inc_not_zero() is the right call), `ref-underflow` (a put more than there were
gets), `free-while-referenced` (the object freed while others have references).
"""

from kmcheck.lang import Annotated, Object, atomic, check


class Refcount(Object):
    """`refcount_t`."""

    refs: Annotated[int, range(256)]

    def on_free(self) -> None:
        """Look for references besides that of whoever frees."""
        check(self.refs <= 1, "free-while-referenced", "freed while others have references to it")


def refcount_set(r: Refcount, n: int) -> None:
    """Set the count of an object that nobody else sees yet."""
    r.refs = n


def refcount_read(r: Refcount) -> int:
    """Return the count."""
    return r.refs


def refcount_inc(r: Refcount) -> None:
    """Take one more reference; the caller must have one."""
    with atomic("one more reference"):
        check(r.refs > 0, "ref-resurrect", "refcount_inc() on a count of zero")
        r.refs += 1


def refcount_inc_not_zero(r: Refcount) -> bool:
    """Take a reference unless the last one is gone; tell whether one was taken."""
    with atomic("a reference, unless the last one is gone"):
        taken = r.refs > 0
        if taken:
            r.refs += 1
    return taken


def refcount_dec_and_test(r: Refcount) -> bool:
    """Drop a reference; tell whether it was the last."""
    with atomic("a reference dropped"):
        check(r.refs > 0, "ref-underflow", "refcount_dec_and_test() on a count of zero")
        r.refs -= 1
        last = r.refs == 0
    return last
