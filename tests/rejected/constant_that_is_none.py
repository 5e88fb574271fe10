"""A constant is computed while the spec runs."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


page = Page()
MAPPED = page.mapped
LIMITS = [1, 2, 3]
NAME = "kmem"


@process
def kworker() -> None:
    page.mapped = MAPPED


@setup
def one() -> None:
    start(kworker)
