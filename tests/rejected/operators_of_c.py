"""Conditions are written as in C."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool
    dirty: bool


page = Page()


@process
def kworker() -> None:
    if page.mapped && page.dirty:
        page.dirty = False


@setup
def one() -> None:
    start(kworker)
