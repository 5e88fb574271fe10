"""Limits are numbers, and small."""

from kmcheck.lang import Annotated, Object, pause, process, setup, start


class Page(Object, limit=1000):
    users: Annotated[int, range(4)]


@process(limit=Page)
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
