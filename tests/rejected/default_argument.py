"""A parameter has a default."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


page = Page()


def set_mapped(page: Page, mapped: bool = True) -> None:
    page.mapped = mapped


@process
def kworker() -> None:
    set_mapped(page)


@setup
def one() -> None:
    start(kworker)
