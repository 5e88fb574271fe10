"""A set has one name: what looks like another one would be a copy, and is to be written as one."""

from kmcheck.lang import ListOf, Object, SetOf, process, setup, start


class Cache(Object):
    pages: SetOf["Page"]
    partial: ListOf["Page"]
    full: ListOf["Page"]


class Page(Object):
    mapped: bool


cache = Cache()


@process
def shrink() -> None:
    pages = cache.pages
    for page in pages:
        page.mapped = False
    kept = cache.pages.copy()
    other = kept
    assert len(other) == 0
    assert cache.partial == cache.full


@setup
def one() -> None:
    start(shrink)
