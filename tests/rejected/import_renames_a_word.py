"""A word of the language gets another name."""

from kmcheck.lang import atomic as step_of
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
