"""A process returns a value."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> int:
    return page.users


@setup
def one() -> None:
    start(kworker)
