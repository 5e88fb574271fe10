"""An atomic block without its with."""

from kmcheck.lang import Annotated, Object, atomic, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    atomic("get")
    page.users += 1


@setup
def one() -> None:
    start(kworker)
