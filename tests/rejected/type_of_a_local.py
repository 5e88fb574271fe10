"""What type a local has is not said."""

from kmcheck.lang import Object, Ref, SetOf, process, setup, start


class Page(Object):
    next: Ref["Page"]


page = Page()


@process
def kworker() -> None:
    found = None
    seen = SetOf()
    if page.next is not None:
        found = page.next
        seen.add(page)


@setup
def one() -> None:
    start(kworker)
