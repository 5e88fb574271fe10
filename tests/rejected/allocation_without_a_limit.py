"""An object is allocated while processes run."""

from kmcheck.kernel.slab import Gfp, kzalloc
from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


@process
def kworker() -> None:
    page = Page()
    other = kzalloc(Page, Gfp.KERNEL)


@setup
def one() -> None:
    start(kworker)
