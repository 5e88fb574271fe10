"""A condition changes what it looks at."""

from kmcheck.lang import (
    Annotated,
    Object,
    always,
    choose,
    process,
    setup,
    start,
    test_and_set,
    wait_until,
)


class Page(Object):
    locked: bool
    users: Annotated[int, range(4)]


page = Page()


def get() -> bool:
    page.users += 1
    return True


@process
def kworker() -> None:
    wait_until(not test_and_set(page.locked))
    wait_until(get())
    wait_until(choose(True, False))


@always
def used() -> bool:
    return get()


@setup
def one() -> None:
    start(kworker)
