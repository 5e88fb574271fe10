"""An option is misspelt."""

from kmcheck.lang import pause, process, setup, start


@process(limits=2)
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
