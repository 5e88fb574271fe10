"""An array has no length, or a wrong one."""

from kmcheck.lang import Annotated, ArrayOf, Object, pause, process, setup, slots, start


class Node(Object):
    slots: ArrayOf[int]
    none: Annotated[ArrayOf[int], 0]


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
