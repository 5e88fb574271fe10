"""A property's function calls itself."""

from kmcheck.lang import Object, Ref, always, pause, process, setup, start


class Memcg(Object):
    parent: Ref["Memcg"]


memcg = Memcg()


def depth(memcg: Memcg) -> int:
    return 0 if memcg is None else depth(memcg.parent) + 1


@process
def kworker() -> None:
    pause()


@always
def shallow() -> bool:
    return depth(memcg) < 3


@setup
def one() -> None:
    start(kworker)
