"""Code depends on a ghost, and ghost code on nothing."""

from kmcheck.lang import Ghost, Object, ghost, process, setup, start, wait_until


class Page(Object):
    mapped: bool
    ever: Ghost[bool]


page = Page()


@process
def kworker() -> None:
    page.ever = True
    if page.ever:
        page.mapped = True
    with ghost():
        page.mapped = False
        wait_until(page.mapped)


@setup
def one() -> None:
    start(kworker)
