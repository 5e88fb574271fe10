"""What is wrong in a method that runs by itself is told too."""

from kmcheck.lang import Object, check, pause, process, setup, start


class Page(Object):
    mapped: bool

    def on_free(self) -> None:
        check(not self.maped, "free-while-mapped")


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
