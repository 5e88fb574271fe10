"""A break stands outside of a loop."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    if page.users > 0:
        break
    continue


@setup
def one() -> None:
    start(kworker)
