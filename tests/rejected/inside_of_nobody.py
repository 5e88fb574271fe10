"""Nobody is ever inside of these functions."""

from kmcheck.lang import Annotated, Object, always, inside, process, processes, setup, start, within


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


def critical_section() -> None:
    pass


def reclaim() -> None:
    page.users = 0


@process
def kworker() -> None:
    critical_section()


@always
def alone() -> bool:
    return len(within(critical_section)) <= 1


@always
def no_reclaim() -> bool:
    return all(not inside(p, reclaim) for p in processes())


@setup
def one() -> None:
    start(kworker)
