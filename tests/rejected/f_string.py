"""A message is put together."""

from kmcheck.lang import Annotated, Object, atomic, check, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


@process
def kworker() -> None:
    assert page.users > 0, f"{page.users} users"
    check(page.users < 3, "too-many", "many" + "users")
    with atomic(f"{page}"):
        page.users = 0


@setup
def one() -> None:
    start(kworker)
