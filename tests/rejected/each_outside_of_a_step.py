"""A parallel loop outside of an atomic step, over a list, and writing elsewhere."""

from kmcheck.lang import Annotated, ListOf, Object, SetOf, atomic, each, process, setup, start


class Memcg(Object):
    pages: SetOf["Page"]
    lru: ListOf["Page"]
    number: Annotated[int, range(4)]


class Page(Object):
    users: Annotated[int, range(4)]


memcg = Memcg()


@process
def kworker() -> None:
    for page in each(memcg.pages):
        page.users = 0
    with atomic("all"):
        for page in each(memcg.lru):
            page.users = 0
        for other in each(memcg.pages):
            memcg.number += 1


@setup
def one() -> None:
    start(kworker)
