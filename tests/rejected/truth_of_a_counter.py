"""Whether a sum of sizes is zero may depend on the sizes."""

from kmcheck.lang import Counter, Enum, Object, auto, pause, process, setup, start


class Memcg(Object):
    usage: Counter


class State(Enum):
    ONLINE = auto()
    DEAD = auto()


class Css(Object):
    state: State


memcg = Memcg()
css = Css()


@process
def kworker() -> None:
    while memcg.usage:
        pause()
    if css.state:
        pause()


@setup
def one() -> None:
    start(kworker)
