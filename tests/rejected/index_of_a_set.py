"""Only arrays have elements."""

from kmcheck.lang import Annotated, Object, SetOf, process, setup, start


class Memcg(Object):
    pages: SetOf["Page"]
    users: Annotated[int, range(4)]


class Page(Object):
    mapped: bool


memcg = Memcg()


@process
def kworker() -> None:
    memcg.pages[0].mapped = True
    memcg.users[0] = 1


@setup
def one() -> None:
    start(kworker)
