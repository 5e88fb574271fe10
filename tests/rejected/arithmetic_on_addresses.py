"""Addresses are computed with, and divided by what varies."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    following = page + 1
    page.users = 3 // page.users
    page.users = page.users / 2
    page.users = page.users << 1


@setup
def one() -> None:
    start(kworker)
