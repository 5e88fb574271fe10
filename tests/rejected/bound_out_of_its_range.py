"""Bounds that their annotations exclude, and annotations that are no range."""

from kmcheck.lang import Annotated, bound, pause, process, setup, start

FREERS: Annotated[int, range(1, 4)] = bound(4, "frees")
CACHES: Annotated[int, range(1, 99)] = bound(2, "caches")
PAGES: bool = bound(2, "pages")
MEMCGS: int = bound(2, "memcgs")


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
