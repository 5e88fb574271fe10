"""A block is written as in C."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


page = Page()


@process
def kworker() -> None {
    page.mapped = True;
}


@setup
def one() -> None:
    start(kworker)
