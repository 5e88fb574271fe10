"""Setup leaves a field's range."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    page.users = 1


@setup
def one() -> None:
    for i in range(5):
        page.users = i
    start(kworker)
