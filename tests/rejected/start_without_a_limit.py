"""A process is started while others run."""

from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@process
def kthreadd() -> None:
    while True:
        start(kworker)


@setup
def one() -> None:
    start(kthreadd)
