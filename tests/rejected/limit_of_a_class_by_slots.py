"""The limit of a class is asked of another class."""

from kmcheck.lang import Object, pause, process, setup, slots, start


class Head(Object):
    queued: bool


class Page(Object, limit=slots(Head)):
    head: Head


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
