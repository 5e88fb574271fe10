"""A Ref, a list and a set hold what they cannot."""

from kmcheck.lang import (
    Annotated,
    ArrayOf,
    ListOf,
    Object,
    Ref,
    SetOf,
    Size,
    pause,
    process,
    setup,
    start,
)


class Page(Object):
    users: Ref[int]
    order: ListOf[int]
    ids: SetOf[int]
    sizes: Annotated[ArrayOf[Size], 2]


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
