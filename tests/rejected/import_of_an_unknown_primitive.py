"""A file of the library is misspelt."""

from kmcheck.kernel.spinlocks import spin_lock, spin_unlock
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
