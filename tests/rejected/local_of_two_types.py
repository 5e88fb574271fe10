"""A local changes its type."""

from kmcheck.lang import Annotated, Object, Ref, pause, process, setup, start


class Page(Object):
    next: Ref["Page"]
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    found = page.next
    found = page.users
    for found in range(3):
        pause()


@setup
def one() -> None:
    start(kworker)
