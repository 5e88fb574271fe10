"""Parameters without a type, or of a wrong one."""

from kmcheck.lang import Annotated, Object, action, always, pause, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


@process
def kworker(page) -> None:
    page.users = 1


@action
def pressure(n: int) -> None:
    pause()


@always
def used(n: int) -> bool:
    return n > 0


@setup
def one(page: Page) -> None:
    start(kworker, page)
