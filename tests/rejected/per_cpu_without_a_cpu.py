"""Which CPU's is not said."""

from kmcheck.lang import Annotated, Object, PerCpu, process, setup, start


class Stock(Object):
    cached: Annotated[int, range(4)]


stock = PerCpu(Stock)


@process
def kworker() -> None:
    stock.cached += 1


@setup
def one() -> None:
    start(kworker)
