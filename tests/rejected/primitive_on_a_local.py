"""A pointer in a local is published."""

from kmcheck.kernel.rcu import rcu_assign_pointer
from kmcheck.lang import Object, Ref, process, setup, start


class Cache(Object):
    memcg: Ref["Cache"]


cache = Cache()


@process
def kworker() -> None:
    memcg = cache.memcg
    rcu_assign_pointer(memcg, cache)


@setup
def one() -> None:
    start(kworker)
