"""A function returns another type than it says."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


def is_used(page: Page) -> bool:
    return page.users


@process
def kworker() -> None:
    if is_used(page):
        page.users = 0


@setup
def one() -> None:
    start(kworker)
