"""There is no step before a state."""

from kmcheck.lang import Annotated, Object, always, before, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    page.users = 1


@always
def grows() -> bool:
    return before(page.users) <= page.users


@setup
def one() -> None:
    start(kworker)
