"""The fields of a global are given by position."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Semaphore(Object):
    value: Annotated[int, range(2)]


mutex = Semaphore(1)


@process
def kworker() -> None:
    mutex.value = 0


@setup
def one() -> None:
    start(kworker)
