"""A global begins outside of its field's range."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Semaphore(Object):
    value: Annotated[int, range(2)]


mutex = Semaphore(value=2)


@process
def kworker() -> None:
    mutex.value = 0


@setup
def one() -> None:
    start(kworker)
