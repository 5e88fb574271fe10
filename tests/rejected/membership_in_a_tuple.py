"""A value is looked for among some others."""

from kmcheck.lang import Enum, Object, always, auto, process, setup, start


class State(Enum):
    ONLINE = auto()
    DYING = auto()
    DEAD = auto()


class Memcg(Object):
    state: State


memcg = Memcg()


@process
def kworker() -> None:
    if memcg.state in (State.DYING, State.DEAD):
        memcg.state = State.DEAD


@always
def lives() -> bool:
    return memcg.state not in [State.DYING, State.DEAD]


@setup
def one() -> None:
    start(kworker)
