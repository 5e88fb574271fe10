"""A method has a decorator."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object):
    mapped: bool

    @process
    def writeback(self) -> None:
        self.mapped = False


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
