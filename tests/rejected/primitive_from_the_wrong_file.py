"""A primitive is imported from another one's file."""

from kmcheck.kernel.rcu import kfree, rcu_read_lock
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
