from kmcheck.lang import Object, READ_ONCE, process, setup, start, wait_until


class Page(Object):
    locked: bool
    ready: bool


page = Page()


@process
def reader() -> None:
    wait_until(page.ready)
    wait_until(not READ_ONCE(page.locked))


@process
def writer() -> None:
    page.ready = True


@setup
def world() -> None:
    start(reader)
    start(writer)
