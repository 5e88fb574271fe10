"""PerCpu takes a class."""

from kmcheck.lang import PerCpu, pause, process, setup, start


stock = PerCpu(4)


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
