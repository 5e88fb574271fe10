"""A class has an option that there is not."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object, max=4):
    mapped: bool


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
