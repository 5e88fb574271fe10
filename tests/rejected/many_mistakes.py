"""All mistakes are told in one run, each once."""

from kmcheck.kernel.spinlok import SpinLock, spin_lock
from kmcheck.lang import Counter, Object, Ref, always, process, setup, start


class Memcg(Object):
    parent: Ref["Memgc"]
    lock: SpinLock
    usage: Counter = 0


class Page(Object):
    memcg: Ref[Memcg]


memcg = Memcg()


def parent_of(memcg: Memcg) -> Memcg:
    return memcg.parrent


@process
def kworker(page: Page) -> None:
    spin_lock(page.memcg.lock)
    page.memcg.parent = None
    parent = parent_of(page.memcg)
    parent.usage.add(1)
    if page.memgc is None:
        page.mapped = True
    while page.memcg < memcg:
        unlock(memcg)


@setup
def one() -> None:
    start(kworker, Page(memcg=memcg))


@always
def charged() -> bool:
    return memcg.usage.is_zero() and memcg.limit > 0
