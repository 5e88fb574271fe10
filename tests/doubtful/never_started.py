from kmcheck.lang import Object, finally_, inside, process, processes, setup, start


class Page(Object):
    dirty: bool


page = Page()


@process
def reader() -> None:
    page.dirty = True


@process
def writer() -> None:
    page.dirty = False


@setup
def world() -> None:
    start(reader)


@finally_
def nobody_writes() -> bool:
    return not any(inside(p, writer) for p in processes())
