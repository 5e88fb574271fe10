"""A plain function is started."""

from kmcheck.lang import pause, setup, start


def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
    start(kworkr)
    start(3)
