"""A range is empty; an annotation means nothing."""

from kmcheck.lang import Annotated, Object, pause, process, setup, start


class Page(Object):
    users: Annotated[int, range(4, 2)]
    order: Annotated[int, 4]


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
