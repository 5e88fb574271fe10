"""A word of the language is not imported."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object):
    next: Ref["Page"]


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
