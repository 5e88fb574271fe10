"""A field is to hold a method; sets have no order."""

from kmcheck.lang import Callable, Object, SetOf, process, setup, start


class Work(Object):
    func: Callable[["Work"], None]
    others: SetOf["Work"]

    def flush(self) -> None:
        self.others.clear()


work = Work()


@process
def kworker() -> None:
    work.func = work.flush
    if work.others < work.others:
        work.func(work)


@setup
def one() -> None:
    start(kworker)
