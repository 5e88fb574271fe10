"""Setup chooses among nothing."""

from kmcheck.lang import Annotated, Object, choose, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


@process
def kworker(page: Page) -> None:
    page.users = 1


@setup
def one() -> None:
    start(kworker, choose(Page))
