"""A field is misspelt."""

from kmcheck.lang import Object, Ref, process, setup, start


class Memcg(Object):
    parent: Ref["Memcg"]
    dead: bool


class Cache(Object):
    memcg: Ref[Memcg]


cache = Cache()


@process
def kworker() -> None:
    memcg = cache.memgc
    memcg.dead = True
    cache.memcg.parnet = None
    other = Memcg(paren=memcg)


@setup
def one() -> None:
    start(kworker)
