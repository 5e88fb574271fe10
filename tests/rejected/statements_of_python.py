"""Statements that the language has not."""

from kmcheck.lang import Annotated, Object, pause, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    global page
    import os
    del page
    page.users == 1
    if (n := page.users) > 1:
        pause()
    match page.users:
        case 1:
            pause()

    def helper() -> None:
        pause()

    for _ in range(2):
        pause()
    else:
        pause()
    yield page


@setup
def one() -> None:
    start(kworker)
