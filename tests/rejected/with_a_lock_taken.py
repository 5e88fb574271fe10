"""Locks are taken as in Python."""

from kmcheck.kernel.rcu import rcu_read_lock
from kmcheck.kernel.rwsem import RwSemaphore, down_read
from kmcheck.kernel.spinlock import SpinLock, spin_lock
from kmcheck.lang import pause, process, setup, start

lock = SpinLock()
sem = RwSemaphore()


def section(lock: SpinLock) -> None:
    pause()


@process
def charge() -> None:
    with spin_lock(lock):
        pause()
    with rcu_read_lock():
        pause()
    with down_read(sem):
        pause()
    with section(lock):
        pause()


@setup
def begin() -> None:
    start(charge)
