"""A number is incremented as in C."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    users: int


page = Page()


@process
def kworker() -> None:
    page.users++


@setup
def one() -> None:
    start(kworker)
