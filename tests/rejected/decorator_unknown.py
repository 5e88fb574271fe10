"""A decorator means nothing."""

from kmcheck.lang import pause, setup, start


@staticmethod
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
