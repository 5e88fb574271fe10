"""There are two setups."""

from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)


@setup
def two() -> None:
    start(kworker)
    start(kworker)
