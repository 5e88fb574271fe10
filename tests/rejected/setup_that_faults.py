"""Setup follows a NULL pointer."""

from kmcheck.lang import Annotated, Object, Ref, process, setup, start


class Page(Object):
    next: Ref["Page"]
    users: Annotated[int, range(4)]


@process
def kworker(page: Page) -> None:
    page.users = 1


@setup
def one() -> None:
    page = Page()
    page.next.users = 1
    start(kworker, page)
