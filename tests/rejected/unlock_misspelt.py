"""The unlock is misspelt in the import; its uses are no news."""

from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlok
from kmcheck.lang import Object, process, setup, start


class Lru(Object):
    lock: SpinLock


lru = Lru()


@process
def kworker() -> None:
    spin_lock(lru.lock)
    spin_unlok(lru.lock)


@setup
def one() -> None:
    start(kworker)
