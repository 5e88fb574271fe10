"""There is no setup."""

from kmcheck.lang import pause, process


@process
def kworker() -> None:
    pause()
