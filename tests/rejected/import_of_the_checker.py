"""A spec imports from the checker itself."""

from kmcheck.solver import Solver
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
