"""A method has no self."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object):
    mapped: bool

    def on_free() -> None:
        pause()


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
