"""A lock is taken as Python takes it; a step has two labels."""

from kmcheck.kernel.spinlock import SpinLock
from kmcheck.lang import Annotated, Object, atomic, process, setup, start, step


class Lru(Object):
    lock: SpinLock
    items: Annotated[int, range(4)]


lru = Lru()


@process
def kworker() -> None:
    with lru.lock:
        lru.itms += 1
    with atomic("one") as step:
        lru.items += 1
    with atomic("one", "two"):
        lru.items += 1


@setup
def one() -> None:
    start(kworker)
