"""Setup charges a counter that is not there."""

from kmcheck.kernel.page_counter import PageCounter, page_counter_charge
from kmcheck.lang import Object, Ref, Size, pause, process, setup, start


class Page(Object):
    counter: Ref[PageCounter]
    size: Size


@process
def kworker(page: Page) -> None:
    pause()


@setup
def one() -> None:
    page = Page()
    page_counter_charge(page.counter, page.size)
    start(kworker, page)
