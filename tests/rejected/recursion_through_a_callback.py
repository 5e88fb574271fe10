"""A function calls itself through a field."""

from kmcheck.lang import Callable, Object, process, setup, start


class Work(Object):
    func: Callable[["Work"], None]
    again: bool


work = Work()


def flush(work: Work) -> None:
    if work.again:
        work.func(work)


@process
def kworker() -> None:
    work.func = flush
    work.func(work)


@setup
def one() -> None:
    start(kworker)
