"""A file imports itself."""

from import_of_itself import Page
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
