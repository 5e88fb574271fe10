"""A function takes any number of arguments."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


page = Page()


def unmap(*pages: Page) -> None:
    page.mapped = False


@process
def kworker() -> None:
    unmap(page, page)


@setup
def one() -> None:
    start(kworker)
