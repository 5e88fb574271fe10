"""A property says that it returns nothing, another one a number."""

from kmcheck.lang import Object, Process, always, always_eventually, process, setup, start


class Memcg(Object):
    usage: int
    idle: bool


memcg = Memcg()


@always_eventually
def idle(p: Process) -> None:
    return memcg.idle


@always
def charged() -> int:
    return memcg.usage


@process
def charge() -> None:
    memcg.usage = 1


@setup
def begin() -> None:
    start(charge)
