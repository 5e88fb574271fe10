"""A method is misspelt, or is one of Python's."""

from kmcheck.lang import Annotated, Counter, ListOf, Object, SetOf, process, setup, start


class Memcg(Object):
    pages: SetOf["Page"]
    lru: ListOf["Page"]
    usage: Counter


class Page(Object):
    users: Annotated[int, range(4)]

    def get(self) -> None:
        self.users += 1


memcg = Memcg()
page = Page()


@process
def kworker() -> None:
    memcg.pages.append(page)
    memcg.lru.add(page)
    memcg.usage.increment(1)
    page.gte()
    page.users.add(1)
    memcg.lru.insert(0, page)


@setup
def one() -> None:
    start(kworker)
