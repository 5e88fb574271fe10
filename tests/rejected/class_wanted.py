"""A primitive takes a class."""

from kmcheck.kernel.slab import Gfp, kzalloc
from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object, limit=1):
    users: Annotated[int, range(4)]


@process
def kworker() -> None:
    page = kzalloc(64, Gfp.KERNEL)
    other = kzalloc(Page, 0)
    third = kzalloc(Pgae, Gfp.KERNEL)


@setup
def one() -> None:
    start(kworker)
