"""A Callable says not what it takes."""

from kmcheck.lang import Callable, Object, pause, process, setup, start


class Work(Object):
    func: Callable
    release: Callable[None]


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
