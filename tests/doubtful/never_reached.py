from kmcheck.lang import Object, process, setup, start


class Page(Object):
    dirty: bool
    mapped: bool


page = Page()


@process
def writer() -> None:
    while True:
        if page.mapped:
            return
        page.dirty = True
        continue
        page.mapped = True


@process
def reader() -> None:
    if page.dirty:
        return
        page.mapped = True
    else:
        return
    page.mapped = False


@setup
def world() -> None:
    start(reader)
    start(writer)
