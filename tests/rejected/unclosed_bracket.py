"""A bracket is never closed."""

from kmcheck.lang import Object, process, setup, start, wait_until


class Page(Object):
    mapped: bool


@process
def kworker() -> None:
    wait_until(not page.mapped


@setup
def one() -> None:
    start(kworker)
