"""A class inherits from one of the spec's."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


class HugePage(Page):
    order: int


page = HugePage()


@process
def kworker() -> None:
    page.mapped = True


@setup
def one() -> None:
    start(kworker)
