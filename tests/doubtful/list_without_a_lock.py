from kmcheck.kernel.list import INIT_LIST_HEAD, ListLink, list_add, list_is_sound
from kmcheck.lang import Object, Ref, always, process, setup, start


class Page(Object):
    lru: ListLink


class Zone(Object):
    pages: ListLink
    first: Ref[Page]
    second: Ref[Page]


zone = Zone()


@process
def activate(page: Page) -> None:
    list_add(page.lru, zone.pages)


@setup
def world() -> None:
    INIT_LIST_HEAD(zone.pages)
    zone.first = Page()
    zone.second = Page()
    start(activate, zone.first)
    start(activate, zone.second)


@always
def sound() -> bool:
    return list_is_sound(zone.pages)
