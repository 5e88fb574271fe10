"""An object is embedded where a pointer was meant."""

from kmcheck.lang import Object, pause, process, setup, start


class Memcg(Object):
    parent: "Memcg"


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
