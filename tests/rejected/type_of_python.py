"""Types that Python has and the language has not."""

from kmcheck.lang import Object, pause, process, setup, start


class Memcg(Object):
    name: str
    share: float
    caches: list[Page]
    ids: dict[int, Page]


class Page(Object):
    mapped: bool


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
