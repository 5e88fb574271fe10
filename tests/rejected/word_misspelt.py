"""A word of the language is misspelt."""

from kmcheck.lang import wait_untill
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
