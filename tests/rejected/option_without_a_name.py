"""An option has no name."""

from kmcheck.lang import pause, process, setup, start


@process(2)
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
