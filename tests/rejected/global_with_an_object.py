"""A global begins with what is no constant."""

from kmcheck.lang import Object, Ref, process, setup, start


class Memcg(Object):
    parent: Ref["Memcg"]


root = Memcg()
child = Memcg(parent=root)


@process
def kworker() -> None:
    child.parent = None


@setup
def one() -> None:
    start(kworker)
