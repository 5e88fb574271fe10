"""Types of C, and one of the library that is not imported."""

from kmcheck.lang import Object, Ref, pause, process, setup, start


class Memcg(Object):
    usage: atomic_t
    lock: spinlock_t
    other: SpinLock
    next: Ref[list_head]
    size: u64


@process
def charge() -> None:
    pause()


@setup
def begin() -> None:
    start(charge)
