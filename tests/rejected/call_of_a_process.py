"""A process is called as a function."""

from kmcheck.lang import pause, process, setup, start


@process
def kswapd() -> None:
    pause("reclaim")


@process
def kworker() -> None:
    kswapd()


@setup
def one() -> None:
    start(kworker)
