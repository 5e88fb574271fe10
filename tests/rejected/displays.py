"""Lists, sets, tuples and dictionaries are written as Python does."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    pages = [page]
    group = {page}
    pair = (page, page)
    table = {1: page}
    first, second = page, page
    page.users = page.users = 1


@setup
def one() -> None:
    start(kworker)
