from kmcheck.lang import Counter, Object, Size, eventually, pause, process, setup, start


class Page(Object):
    size: Size
    used: Counter


@process
def waiter(page: Page) -> None:
    page.used.add(page.size)


@setup
def begin() -> None:
    start(waiter, Page())


@eventually
def is_charged(page: Page) -> bool:
    return page.used == page.size
