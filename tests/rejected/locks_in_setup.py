"""Setup does what only a process does: each time, the primitive that it called is named."""

from kmcheck.kernel.list_lru import ListHead, ListLru, ListLruOne, list_lru_add
from kmcheck.kernel.mutex import Mutex, mutex_lock
from kmcheck.kernel.rcu import synchronize_rcu
from kmcheck.lang import Object, PerCpu, me, pause, process, setup, start, this_cpu

cgroup_mutex = Mutex()
lru = ListLru()
one = ListLruOne()
item = ListHead()


class Stock(Object):
    charges: int


stocks = PerCpu(Stock)


@process
def kworker() -> None:
    pause()


@setup
def begin() -> None:
    mutex_lock(cgroup_mutex)
    synchronize_rcu()
    list_lru_add(lru, item, one)
    who = me()
    stock = this_cpu(stocks)
    start(kworker)
