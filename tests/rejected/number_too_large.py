"""A number does not fit."""

from kmcheck.lang import pause, process, setup, start

HUGE = 4294967296
SQUARE = 65536 * 65536


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
