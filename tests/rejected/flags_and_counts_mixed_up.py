"""Atomic operations on fields of other types."""

from kmcheck.lang import Annotated, Object, fetch_add, process, setup, start, test_and_set


class Page(Object):
    users: Annotated[int, range(4)]
    locked: bool


page = Page()


@process
def kworker() -> None:
    test_and_set(page.users)
    fetch_add(page.locked, 1)


@setup
def one() -> None:
    start(kworker)
