"""The words come from where Python has them."""

from enum import Enum, auto
from typing import Annotated, Optional
from kmcheck.lang import Object, process, setup, start


class State(Enum):
    ONLINE = auto()


class Page(Object):
    users: Annotated[int, range(4)]
    next: Optional[int]


page = Page()


@process
def kworker() -> None:
    page.users = 1


@setup
def one() -> None:
    start(kworker)
