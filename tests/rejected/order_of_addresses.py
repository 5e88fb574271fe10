"""Addresses have no order."""

from kmcheck.lang import Object, me, pause, process, setup, start


class Lock(Object):
    taken: bool


first = Lock()
second = Lock()


@process
def kworker() -> None:
    if first < second:
        first.taken = True
    if me() > me():
        pause()


@setup
def one() -> None:
    start(kworker)
