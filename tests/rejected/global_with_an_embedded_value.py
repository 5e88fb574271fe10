"""A lock that is embedded is given a value."""

from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import Annotated, Object, process, setup, start


class Lru(Object):
    lock: SpinLock
    items: Annotated[int, range(4)]


lru = Lru(lock=SpinLock(), items=1)


@process
def kworker() -> None:
    spin_lock(lru.lock)
    spin_unlock(lru.lock)


@setup
def one() -> None:
    start(kworker)
