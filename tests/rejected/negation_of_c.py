"""A condition is negated as in C."""

from kmcheck.lang import Object, process, setup, start, wait_until


class Page(Object):
    mapped: bool


page = Page()


@process
def kworker() -> None:
    wait_until(!page.mapped)


@setup
def one() -> None:
    start(kworker)
