"""Values that Python has and the language has not."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    name = "kworker"
    share = 0.5
    raw = b"page"
    page.users = ~page.users
    page.users = page.users & 1
    page.users = ...


@setup
def one() -> None:
    start(kworker)
