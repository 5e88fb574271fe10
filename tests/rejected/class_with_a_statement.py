"""A class does something."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object):
    users: int
    users += 1


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
