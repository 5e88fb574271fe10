"""A state would hold too much to explore anything."""

from kmcheck.lang import Annotated, ArrayOf, Object, Ref, process, setup, slots, start


class Page(Object, limit=64):
    next: Ref["Page"]
    map: Annotated[ArrayOf[bool], 64]


@process(limit=slots(Page) * 64 * 64)
def kworker(page: Page) -> None:
    start(kworker, page.next)


@setup
def one() -> None:
    start(kworker, Page())
