"""A field is always None; a set says not of what; a type is a function."""

from kmcheck.lang import Object, SetOf, pause, process, setup, start


class Page(Object):
    nothing: None
    pages: SetOf
    worker: kworker
    number: 3


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
