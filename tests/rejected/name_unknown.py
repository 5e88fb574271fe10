"""A name is misspelt, or has no value yet."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


page = Page()


def last() -> bool:
    if found:
        return True
    found = page.mapped
    return found


@process
def kworker() -> None:
    pgae.mapped = last()


@setup
def one() -> None:
    start(kworker)
