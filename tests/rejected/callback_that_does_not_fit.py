"""A callback takes, or returns, something else."""

from kmcheck.lang import Callable, Object, pause, process, setup, start


class Work(Object):
    func: Callable[["Work"], None]
    test: Callable[["Work"], bool]


work = Work()


def flush(work: Work, now: bool) -> None:
    pause("flush")


def is_idle(work: Work) -> int:
    return 3


@process
def kworker() -> None:
    work.func = flush
    work.test = is_idle
    work.func(work)
    if work.test(work):
        pause()


@setup
def one() -> None:
    start(kworker)
