"""A function is two things at once."""

from kmcheck.lang import pause, process, setup


@setup
@process
def kworker() -> None:
    pause()
