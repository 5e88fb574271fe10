"""A verdict would say either: the violation that is built in or checked for, or the property."""

from kmcheck.lang import Object, always, check, finally_, process, setup, start


class Page(Object):
    mapped: bool


page = Page()


@process
def kworker() -> None:
    check(not page.mapped, "mapped_twice")
    page.mapped = True


@setup
def one() -> None:
    start(kworker)


@finally_
def leak() -> bool:
    return page.mapped


@always
def mapped_twice() -> bool:
    return True
