"""Classes, functions and methods are no values."""

from kmcheck.lang import Object, Ref, atomic, process, setup, start


class Page(Object):
    next: Ref["Page"]

    def clear(self) -> None:
        self.next = None


page = Page()


@process
def kworker() -> None:
    page.next = Page
    page.next = kworker
    page.next = page.clear
    page.next = atomic
    Page.next = page


@setup
def one() -> None:
    start(kworker)
