"""Two files import each other."""

from _ring import Page
from kmcheck.lang import process, setup, start


@process
def kworker() -> None:
    pass


@setup
def one() -> None:
    start(kworker)
