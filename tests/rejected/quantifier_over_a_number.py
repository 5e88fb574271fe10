"""What is looped over has no members."""

from kmcheck.lang import Annotated, Object, alive, always, pause, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    for i in page.users:
        pause()
    for page_ in Page:
        pause()
    for p, q in alive(Page):
        pause()


@always
def few() -> bool:
    return all(i < 3 for i in page.users)


@always
def pairs() -> bool:
    return all(i < j for i, j in alive(Page))


@always
def many() -> bool:
    return any(i > page.users for i in range(1000))


@always
def added() -> bool:
    return sum(p.users > 1 for p in alive(Page)) <= 1


@always
def on_the_whole() -> bool:
    return all([p.users > 1 for p in alive(Page)])


@setup
def one() -> None:
    start(kworker)
