"""A process is started with other arguments than it takes."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


@process
def kworker(page: Page, n: int) -> None:
    page.users = n


@setup
def two() -> None:
    page = Page()
    start(kworker, page)
    start(kworker, 1, page)
    start(kworker, page, 1, cpu=page)
