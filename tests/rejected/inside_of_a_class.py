"""A process is inside of functions only."""

from kmcheck.lang import Annotated, Object, always, inside, process, processes, setup, start, within


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    page.users = 1


@always
def alone() -> bool:
    return len(within(Page)) <= 1 or len(within("kworker")) <= 1


@always
def idle() -> bool:
    return all(not inside(page, kworker) for p in processes())


@setup
def one() -> None:
    start(kworker)
