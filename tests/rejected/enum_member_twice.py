"""An Enum has a member twice."""

from kmcheck.lang import Enum, auto, pause, process, setup, start


class State(Enum):
    ONLINE = auto()
    DEAD = auto()
    ONLINE = auto()


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
