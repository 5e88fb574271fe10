"""A number is freed."""

from kmcheck.kernel.slab import kfree
from kmcheck.lang import Annotated, Object, free, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    free(page.users)
    kfree(3)


@setup
def one() -> None:
    start(kworker)
