"""Code stands at the top level."""

from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


start(kworker)


for _ in range(3):
    start(kworker)


@setup
def one() -> None:
    start(kworker)
