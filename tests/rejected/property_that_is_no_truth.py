"""A property is neither true nor false."""

from kmcheck.lang import Annotated, ArrayOf, Counter, Object, always, pause, process, setup, start


class Memcg(Object):
    usage: Counter
    pages: Annotated[ArrayOf[int], 2]


memcg = Memcg()


@process
def kworker() -> None:
    pause()


@always
def charged() -> bool:
    return memcg.usage


@always
def paged() -> bool:
    return len(memcg.pages) and memcg.pages


@setup
def one() -> None:
    start(kworker)
