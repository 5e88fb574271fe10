"""A function returns something on one way only, or nothing."""

from kmcheck.lang import Annotated, Object, always, pause, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


def is_used() -> bool:
    if page.users > 0:
        return True


def find(n: int) -> int:
    while True:
        if page.users > n:
            break


def get() -> None:
    page.users += 1


@process
def kworker() -> None:
    if is_used():
        pause()
    users = get()


@always
def used() -> bool:
    page.users > 0


@setup
def one() -> None:
    start(kworker)
