"""A lock is taken that is none."""

from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import Annotated, Object, process, setup, start


class Lru(Object):
    lock: SpinLock
    items: Annotated[int, range(4)]


lru = Lru()


@process
def kworker() -> None:
    spin_lock(lru)
    lru.items += 1
    spin_unlock(lru.items)


@setup
def one() -> None:
    start(kworker)
