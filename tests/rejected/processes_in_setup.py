"""Setup is no process."""

from kmcheck.lang import (
    Annotated,
    Object,
    PerCpu,
    PerProcess,
    Process,
    me,
    mine,
    process,
    setup,
    start,
    this_cpu,
    wait_until,
)


class Stock(Object):
    cached: Annotated[int, range(4)]


stock = PerCpu(Stock)
tasks = PerProcess(Stock)


class Page(Object):
    owner: Process


page = Page()


@process
def kworker() -> None:
    mine(stock).cached = 1
    this_cpu(tasks).cached = 1
    mine(page).owner = me()
    tasks.on(me()).cached = 1


@setup
def one() -> None:
    this_cpu(stock).cached = 1
    wait_until(page.owner is None)
    start(kworker)
