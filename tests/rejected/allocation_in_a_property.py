"""A property looks, and changes nothing."""

from kmcheck.lang import (
    Annotated,
    Object,
    SetOf,
    alive,
    always,
    me,
    pause,
    process,
    processes,
    setup,
    start,
)


class Page(Object):
    users: Annotated[int, range(4)]
    pages: SetOf["Page"]


page = Page()


@process
def kworker() -> None:
    pause()


@always
def allocates() -> bool:
    return Page() is None


@always
def adds() -> bool:
    page.pages.add(page)
    return True


@always
def loops() -> bool:
    for p in alive(Page):
        if p.users > 1:
            return False
    return True


@always
def asks_who() -> bool:
    return me() in processes()


@setup
def one() -> None:
    start(kworker)
