from kmcheck.lang import Object, always, bound, process, setup, start

READERS = bound(2, "readers")


class Page(Object):
    dirty: bool


page = Page()


@process
def reader() -> None:
    page.dirty = True


@setup
def world() -> None:
    for _ in range(READERS):
        start(reader)


@always
def somebody_reads() -> bool:
    return READERS > 1


@always
def page_is_clean() -> bool:
    return True
