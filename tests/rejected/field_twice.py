"""A field is declared twice."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object):
    mapped: bool
    dirty: bool
    mapped: bool


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
