"""There are no exceptions."""

from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    try:
        page.users += 1
    except ValueError:
        raise
    finally:
        page.user = 0


@setup
def one() -> None:
    start(kworker)
