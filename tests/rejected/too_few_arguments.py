"""Calls with too few arguments, or too many."""

from kmcheck.kernel.spinlock import SpinLock, spin_lock
from kmcheck.lang import (
    Annotated,
    Object,
    SetOf,
    alive,
    choose,
    cmpxchg,
    pause,
    process,
    setup,
    start,
    wait_until,
)


class Lru(Object):
    lock: SpinLock
    pages: SetOf["Page"]


class Page(Object):
    users: Annotated[int, range(4)]


lru = Lru()
page = Page()


@process
def kworker() -> None:
    spin_lock()
    spin_lock(lru.lock, True)
    lru.pages.add()
    choose()
    alive()
    wait_until()
    cmpxchg(page.users, 1)
    start(kworker, cpus=1)
    for i in range():
        pause()
    Page(3)


@setup
def one() -> None:
    start(kworker)
