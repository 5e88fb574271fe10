"""Setup's choices are too many."""

from kmcheck.lang import Annotated, Object, choose, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


@process
def kworker(page: Page) -> None:
    page.users = 1


@setup
def one() -> None:
    for _ in range(20):
        start(kworker, Page(users=choose(0, 1, 2, 3)))
