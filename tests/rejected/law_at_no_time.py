"""When a law is to hold is misspelt."""

from kmcheck.lang import Counter, Object, conserved, pause, process, setup, start


class Memcg(Object):
    usage: Counter


@process
def kworker() -> None:
    pause()


@conserved(when="allways")
def charged(memcg: Memcg) -> bool:
    return memcg.usage >= 0


@setup
def one() -> None:
    start(kworker)
