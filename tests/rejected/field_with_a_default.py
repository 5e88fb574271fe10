"""A field has a default."""

from kmcheck.lang import Annotated, Object, pause, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)] = 1


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
