"""A closure follows a field of a class to itself."""

from kmcheck.lang import Object, Ref, alive, always, closure, pause, process, setup, start


class Memcg(Object):
    parent: Ref["Memcg"]
    cache: Ref["Cache"]


class Cache(Object):
    memcg: Ref[Memcg]


memcg = Memcg()
cache = Cache()


@process
def kworker() -> None:
    pause()


@always
def named() -> bool:
    return memcg in closure(memcg, parent)


@always
def elsewhere() -> bool:
    return memcg in closure(memcg, Memcg.cache)


@always
def misspelt() -> bool:
    return memcg in closure(memcg, Memcg.parnet)


@always
def from_another() -> bool:
    return memcg in closure(cache, Memcg.parent)


@always
def of_a_value() -> bool:
    return all(m.parent is None for m in alive(memcg))


@setup
def one() -> None:
    start(kworker)
