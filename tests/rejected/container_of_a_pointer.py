"""container_of goes from what is embedded to what it lives in."""

from kmcheck.lang import Object, Ref, container_of, me, process, setup, start


class Head(Object):
    queued: bool


class Page(Object):
    head: Head
    next: Ref[Head]


class Memcg(Object):
    head: Head


head = Head()


@process
def kworker() -> None:
    page = container_of(head, Page, Page.next)
    other = container_of(head, Page, Memcg.head)
    third = container_of(head, Page, "head")
    fourth = container_of(me(), Page, Page.head)


@setup
def one() -> None:
    start(kworker)
