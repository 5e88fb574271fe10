"""A class has a decorator."""

from kmcheck.lang import Object, process, setup, start


@process
class Page(Object):
    mapped: bool


page = Page()


@process
def kworker() -> None:
    page.mapped = True


@setup
def one() -> None:
    start(kworker)
