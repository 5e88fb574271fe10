"""What can never be equal is compared."""

from kmcheck.lang import Annotated, Counter, Enum, Object, SetOf, auto, pause, process, setup, start


class State(Enum):
    ONLINE = auto()
    DEAD = auto()


class Page(Object):
    users: Annotated[int, range(4)]


class Memcg(Object):
    state: State
    pages: SetOf[Page]
    usage: Counter


page = Page()
memcg = Memcg()


@process
def kworker() -> None:
    if page == memcg:
        pause()
    if memcg.state == 0:
        pause()
    if memcg.state < State.DEAD:
        pause()
    if memcg in memcg.pages:
        pause()
    if page in page:
        pause()
    if memcg.usage is None:
        pause()


@setup
def one() -> None:
    start(kworker)
