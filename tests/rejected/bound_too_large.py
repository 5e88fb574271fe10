"""A bound is too large."""

from kmcheck.lang import bound, pause, process, setup, start

FREERS = bound(1000, "kmem_cache_free() calls racing with the teardown")


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
