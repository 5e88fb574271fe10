"""Two functions have one name."""

from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause("first")


@process
def kworker() -> None:
    pause("second")


@setup
def one() -> None:
    start(kworker)
