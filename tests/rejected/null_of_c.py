"""There is no NULL."""

from kmcheck.lang import Object, Ref, process, setup, start


class Page(Object):
    next: Ref["Page"]


page = Page()


@process
def kworker() -> None:
    if page.next == NULL:
        page.next = page


@setup
def one() -> None:
    start(kworker)
