"""Functions that Python has and the language has not."""

from kmcheck.lang import Annotated, Object, Ref, alive, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]
    next: Ref["Page"]


page = Page()


@process
def kworker() -> None:
    print(page.users)
    for i, p in enumerate(alive(Page)):
        p.users = i
    if isinstance(page.next, Page):
        page.users = abs(page.users)


@setup
def one() -> None:
    start(kworker)
