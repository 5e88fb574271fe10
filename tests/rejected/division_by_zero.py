"""A constant is divided by zero."""

from kmcheck.lang import bound, pause, process, setup, start

FREERS = bound(0, "kmem_cache_free() calls racing with the teardown")
SHARE = 12 // FREERS


@process
def kworker() -> None:
    pause()


@setup
def one() -> None:
    start(kworker)
