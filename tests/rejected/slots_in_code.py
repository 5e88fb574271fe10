"""How many slots there are is for limits only."""

from kmcheck.lang import Annotated, Object, process, setup, slots, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    page.users = slots(Page)


@setup
def one() -> None:
    start(kworker)
