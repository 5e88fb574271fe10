"""A type is misspelt."""

from kmcheck.lang import Object, Ref, pause, process, setup, start


class Memcg(Object):
    parent: Ref["Memgc"]


class Page(Object):
    memcg: Ref[Memgc]


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
