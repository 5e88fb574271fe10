"""A name of the file's is assigned in a process: what the others see would never change."""

from kmcheck.lang import Object, process, setup, start


class Stat(Object):
    charges: int


stat = Stat()
charges = 0


@process
def charge() -> None:
    charges += 1


@process
def forget() -> None:
    charges = 0
    stat.charges = charges


@process
def replace() -> None:
    stat = Stat()


@setup
def begin() -> None:
    start(charge)
    start(forget)
    start(replace)
