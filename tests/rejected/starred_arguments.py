"""Arguments are given in a bundle, or by name."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


def get(page: Page, n: int) -> None:
    page.users += n


@process
def kworker() -> None:
    get(*page)
    get(page, n=1)
    other = Page(**page)


@setup
def one() -> None:
    start(kworker)
