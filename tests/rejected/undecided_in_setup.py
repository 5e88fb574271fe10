"""Setup asks whether a sum of unknown sizes is zero."""

from kmcheck.lang import Counter, Object, Size, pause, process, setup, start


class Page(Object):
    size: Size


class Memcg(Object):
    usage: Counter


memcg = Memcg()


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    page = Page()
    other = Page()
    memcg.usage.add(page.size)
    memcg.usage.sub(other.size)
    if memcg.usage.is_zero():
        start(kworker)
