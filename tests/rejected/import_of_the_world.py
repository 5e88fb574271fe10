"""A spec knows no other library."""

from dataclasses import dataclass
from kmcheck.lang import pause, process, setup, start


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
