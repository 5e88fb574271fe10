"""The name of a type stands for itself."""

from kmcheck.lang import Object, SetOf, pause, process, setup, start

Pages = SetOf[Pages]


class Memcg(Object):
    pages: Pages


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
