"""Fields are given values that they cannot hold."""

from kmcheck.lang import Annotated, Object, Ref, process, setup, start


class Page(Object):
    mapped: bool
    users: Annotated[int, range(4)]
    next: Ref["Page"]


page = Page()


@process
def kworker() -> None:
    page.mapped = 1
    page.users = True
    page.next = 0
    page.users = None


@setup
def one() -> None:
    start(kworker)
