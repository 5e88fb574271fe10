"""A ghost is a value, and a field."""

from kmcheck.lang import Ghost, Object, pause, process, setup, start


class Lock(Object):
    taken: bool


class Page(Object):
    lock: Ghost[Lock]


def is_taken(taken: Ghost[bool]) -> bool:
    return taken


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
