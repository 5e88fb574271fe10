"""What is no place is assigned to."""

from kmcheck.lang import WRITE_ONCE, Annotated, Object, T, macro, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


class Lock(Object):
    page: Page


lock = Lock()
page = Page()


@macro
def publish(p: T, v: T) -> None:
    p = v


@process
def kworker() -> None:
    users = 3
    WRITE_ONCE(users, 4)
    lock.page = page
    publish(page.users, 1)
    page += 1


@setup
def one() -> None:
    start(kworker)
