"""`or` is to give one of what it joins."""

from kmcheck.lang import Object, Ref, process, setup, start


class Memcg(Object):
    parent: Ref["Memcg"]


root = Memcg()


def parent_of(memcg: Memcg) -> Memcg:
    return memcg.parent or root


@process
def kworker() -> None:
    parent = root.parent or root
    root.parent = root.parent or root
    root.parent = parent_of(root)


@setup
def one() -> None:
    start(kworker)
