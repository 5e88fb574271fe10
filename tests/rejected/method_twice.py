"""A class has a method twice."""

from kmcheck.lang import Object, check, pause, process, setup, start


class Page(Object):
    mapped: bool

    def on_free(self) -> None:
        check(not self.mapped, "free-while-mapped")

    def on_free(self) -> None:
        check(self.mapped, "free-while-mapped")


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
