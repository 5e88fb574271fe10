"""A process is called where it is to be named, and started without what it takes."""

from kmcheck.lang import Object, pause, process, setup, start


class Memcg(Object):
    usage: int


root = Memcg()


@process
def charge(memcg: Memcg) -> None:
    pause()


@setup
def begin() -> None:
    start(charge(root))
    start(charge)
    start(charge, memcg=root)
