"""Two in each, and two of these in each: there are too many at the end."""

from kmcheck.lang import Object, pause, process, setup, start


class Lock(Object):
    taken: bool


class Pair(Object):
    left: Lock
    right: Lock


class Four(Object):
    left: Pair
    right: Pair


class Eight(Object):
    left: Four
    right: Four


class Sixteen(Object):
    left: Eight
    right: Eight


class ThirtyTwo(Object):
    left: Sixteen
    right: Sixteen


class SixtyFour(Object):
    left: ThirtyTwo
    right: ThirtyTwo


locks = SixtyFour()


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
