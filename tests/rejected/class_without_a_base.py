"""A class says not what it is."""

from kmcheck.lang import pause, process, setup, start


class Page:
    mapped: bool


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
