"""Setup allocates for ever."""

from kmcheck.lang import Object, Ref, process, setup, start


class Page(Object):
    next: Ref["Page"]


@process
def kworker(page: Page) -> None:
    page.next = None


@setup
def one() -> None:
    while True:
        start(kworker, Page())
