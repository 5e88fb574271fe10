from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import Annotated, Object, Ref, bound, choice, process, setup, start

READERS = bound(2, "readers")
WRITERS = bound(1, "writers")
FAST = choice(True, "the fast path is taken")
LIMIT = 3
Nr = Annotated[int, range(4)]


class Page(Object):
    lock: SpinLock
    next: Ref["Page"]
    dirty: bool
    age: int


class Folio(Object):
    page: Ref[Page]


page = Page()
other = Page()


def clean() -> None:
    page.dirty = False


@process
def reader() -> None:
    if page.next is None:
        page.dirty = True


@setup
def world() -> None:
    for _ in range(READERS):
        start(reader)
