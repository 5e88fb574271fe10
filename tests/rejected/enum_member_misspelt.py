"""A member of an Enum is misspelt."""

from kmcheck.lang import Enum, Object, auto, process, setup, start


class State(Enum):
    ONLINE = auto()
    OFFLINE = auto()


class Memcg(Object):
    state: State


memcg = Memcg()


@process
def kworker() -> None:
    memcg.state = State.OFLINE


@setup
def one() -> None:
    start(kworker)
