"""A tab among spaces."""

from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    if True:
        pause()
	pause()


@setup
def one() -> None:
    start(kworker)
