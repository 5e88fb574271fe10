"""Locks are called as objects, and an atomic counter is looked for in a file of its own."""

from kmcheck.kernel.atomic import atomic_dec_and_test
from kmcheck.kernel.locks import spin_lock
from kmcheck.kernel.spinlock import SpinLock
from kmcheck.lang import Object, process, setup, start


class Lru(Object):
    lock: SpinLock
    items: int


lru = Lru()


@process
def isolate() -> None:
    lru.lock.lock()
    lru.lock.spin_unlock()


@setup
def one() -> None:
    start(isolate)
