"""An Enum has no members."""

from kmcheck.lang import Enum, pause, process, setup, start


class State(Enum):
    """What a memcg may be."""


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
