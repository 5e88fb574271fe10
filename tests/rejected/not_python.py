"""A colon is missing."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object)
    mapped: bool


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
