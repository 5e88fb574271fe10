"""A spec imports from a folder that is not its own."""

from ..kmemcg import Page
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
