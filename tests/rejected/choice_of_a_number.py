"""A choice is no number."""

from kmcheck.lang import choice, pause, process, setup, start

LOCKS = choice(2, "locks that there are")


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
