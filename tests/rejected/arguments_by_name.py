"""Arguments are given by name."""

from kmcheck.lang import (
    Annotated,
    Object,
    always,
    check,
    is_alive,
    pause,
    process,
    setup,
    start,
    wait_until,
)


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


def get(page: Page, n: int) -> None:
    page.users += n


@process
def kworker() -> None:
    get(page, n=1)
    check(page.users > 0, "no-user", message="there is nobody")
    wait_until(condition=page.users > 0)
    pause(what="idle")
    page.users = min(page.users, 3, key=page)


@always
def used() -> bool:
    return is_alive(thing=page)


@setup
def one() -> None:
    start(kworker)
