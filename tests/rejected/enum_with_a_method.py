"""An Enum has more than members."""

from kmcheck.lang import Enum, auto, pause, process, setup, start


class State(Enum):
    ONLINE = auto()
    DEAD = auto()

    def is_dead(self) -> bool:
        return self == State.DEAD


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
