"""A bound is a number."""

from kmcheck.lang import bound, pause, process, setup, start

FREERS = bound(True, "are there any")


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
