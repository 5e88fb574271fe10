"""A gate with a parameter."""

from kmcheck.lang import Object, gate, process, setup, start


class Box(Object):
    n: int


@gate
def open_(box: Box) -> bool:
    return box.n == 0


@process
def run(box: Box) -> None:
    box.n = 1


@setup
def begin() -> None:
    start(run, Box(), cpu=1)
