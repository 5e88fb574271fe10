"""A number, and None, have no fields."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    users = page.users
    users.lock = 1
    None.lock = 1


@setup
def one() -> None:
    start(kworker)
