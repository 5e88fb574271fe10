"""What is imported is not named."""

from kmcheck.kernel.rcu import *
from kmcheck.lang import process, setup, start


@process
def kworker() -> None:
    rcu_read_lock()
    rcu_read_unlock()


@setup
def one() -> None:
    start(kworker)
