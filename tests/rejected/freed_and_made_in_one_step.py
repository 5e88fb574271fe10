from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, atomic, eventually, pause, process, setup, start


class Page(Object, limit=1):
    clean: bool


class Slot(Object):
    page: Ref[Page]


slot = Slot()


@process
def swap() -> None:
    with atomic("make"):
        slot.page = Page(clean=True)
    pause("a while")
    with atomic("replace"):
        old = slot.page
        slot.page = None
        kfree(old)
        old = None
        slot.page = Page()


@setup
def begin() -> None:
    start(swap)


@eventually
def gets_clean(page: Page) -> bool:
    return page.clean
