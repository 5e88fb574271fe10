"""A function has no name."""

from kmcheck.lang import Callable, Object, process, setup, start


class Work(Object):
    func: Callable[["Work"], None]


work = Work()


@process
def kworker() -> None:
    work.func = lambda work: None
    work.func(work)


@setup
def one() -> None:
    start(kworker)
