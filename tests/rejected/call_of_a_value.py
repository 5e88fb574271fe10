"""What is no function is called."""

from kmcheck.lang import Annotated, Object, choose, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    page()
    users = page.users
    users()
    choose(1, 2)()


@setup
def one() -> None:
    start(kworker)
