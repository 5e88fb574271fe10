"""The two values of a conditional are of two types."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    mapped: bool
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    page.users = 1 if page.mapped else False


@setup
def one() -> None:
    start(kworker)
