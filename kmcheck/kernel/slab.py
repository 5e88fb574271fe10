"""Memory: kmalloc() and kzalloc(), which may fail, and kfree().

Semantics: an allocation is one step and has two outcomes, the object or NULL; kmalloc() leaves
the fields uninitialised. kfree() is one step and ends the object's life with all that is embedded
in it; it takes the pointer that the allocation returned. kfree(NULL) is no step and does nothing.

Kernel: `include/linux/slab.h`, `mm/slub.c`, v6.12. The size argument is the class here:
`kzalloc(Memcg, GFP_KERNEL)`. GFP_ATOMIC and GFP_NOWAIT are the same here.

Misuse reported: `sleep-in-atomic` (GFP_KERNEL in atomic context); `bad-free`
(kfree() of what is embedded in an object, or of a global); `double-free`, `use-after-free`,
`uninitialised-read` (built in); what an embedded lock, work or rcu_head reports of its own when
freed.
"""

from kmcheck.kernel.context import might_sleep
from kmcheck.lang import (
    Enum,
    O,
    Object,
    atomic,
    auto,
    check,
    free,
    is_embedded,
    may_fail,
    uninitialised,
)


class Gfp(Enum):
    """May the allocation sleep."""

    KERNEL = auto()
    NOWAIT = auto()


GFP_KERNEL = Gfp.KERNEL
GFP_ATOMIC = Gfp.NOWAIT
GFP_NOWAIT = Gfp.NOWAIT


def kmalloc(kind: type[O], flags: Gfp) -> O | None:
    """Allocate without zeroing; None on failure."""
    if flags == Gfp.KERNEL:
        might_sleep()
    with atomic("may fail"):
        if not may_fail():
            return uninitialised(kind)
    return None


def kzalloc(kind: type[O], flags: Gfp) -> O | None:
    """Allocate zeroed memory; None on failure."""
    if flags == Gfp.KERNEL:
        might_sleep()
    with atomic("may fail"):
        if not may_fail():
            return kind()
    return None


def kfree(thing: Object | None) -> None:
    """Free an object; NULL is passed over."""
    if thing is not None:
        with atomic():
            check(not is_embedded(thing), "bad-free", "kfree() of a pointer into an object")
            free(thing)
