"""A function calls itself."""

from kmcheck.lang import Annotated, Object, Ref, process, setup, start


class Memcg(Object):
    parent: Ref["Memcg"]
    usage: Annotated[int, range(4)]


memcg = Memcg()


def charge(memcg: Memcg) -> None:
    memcg.usage += 1
    if memcg.parent is not None:
        charge(memcg.parent)


@process
def kworker() -> None:
    charge(memcg)


@setup
def one() -> None:
    start(kworker)
