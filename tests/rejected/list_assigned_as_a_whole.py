"""Lists and counters are changed by their methods."""

from kmcheck.lang import Counter, ListOf, Object, process, setup, start


class Memcg(Object):
    lru: ListOf["Memcg"]
    usage: Counter


memcg = Memcg()


@process
def kworker() -> None:
    memcg.lru = memcg.lru
    memcg.usage = 0
    memcg.usage += 1


@setup
def one() -> None:
    start(kworker)
