"""A bound says not what it is."""

from kmcheck.lang import bound, pause, process, setup, start

FREERS = bound(2)


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
