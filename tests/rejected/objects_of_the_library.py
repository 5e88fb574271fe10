"""What the library's functions work on is made and changed by hand."""

from kmcheck.kernel.refcount import Refcount
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import Object, process, setup, start


class Range(Object):
    first: int


class Memcg(Object):
    ref: Refcount
    range: Range


root = Memcg()


@process
def charge() -> None:
    lock = SpinLock()
    spin_lock(lock)
    spin_unlock(lock)
    root.ref -= 1
    root.range = None


@setup
def begin() -> None:
    start(charge)
