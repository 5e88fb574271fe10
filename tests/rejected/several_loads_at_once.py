"""A quantifier reads memory more than once, outside of an atomic step."""

from kmcheck.lang import Annotated, Object, alive, count, pause, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


@process
def kworker() -> None:
    used = count(page for page in alive(Page) if page.users > 0)
    if any(page.users > 2 for page in alive(Page)):
        pause()


@setup
def one() -> None:
    start(kworker)
