"""A member of an Enum is compared with a number."""

from kmcheck.lang import Enum, auto, pause, process, setup, start


class State(Enum):
    ONLINE = auto()
    DEAD = auto()


FIRST = State.ONLINE == 0


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
