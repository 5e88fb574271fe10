"""Two parameters have one name."""

from kmcheck.lang import Object, pause, process, setup, start


class Page(Object):
    mapped: bool


def move(page: Page, page: Page) -> None:
    page.mapped = True


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
