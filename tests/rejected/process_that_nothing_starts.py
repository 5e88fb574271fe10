"""Nothing starts one of the processes: it would never run, and the spec would hold."""

from kmcheck.lang import Object, process, setup, start


class Flag(Object, limit=1):
    up: bool


flag = Flag()


@process
def writer() -> None:
    flag.up = True


@process
def reader(old: Flag) -> None:
    assert not old.up


@setup
def begin() -> None:
    start(writer)
