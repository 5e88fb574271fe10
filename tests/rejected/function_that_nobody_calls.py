"""A function that nobody calls is checked as well."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object):
    mapped: bool


def unmap(page: Page) -> None:
    page.maped = False


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
